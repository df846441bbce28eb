import {isDeepStrictEqual} from 'node:util';
import {join} from 'node:path';
import {isTag, sameTag, type Tag} from '../mailbox/tag.ts';
import {editing, readText, type Edit} from './file-edit.ts';
import {hookEvents, type HookEvent} from './hook-input.ts';
import {appendAt, removeAt, removeItem, replaceItem, valueAt, type Value} from './json-edit.ts';

const root = 'hooks';
/** Seconds after which the client ends a hook that does not end by itself, as ours does. */
const patience = 5;

/** Writes our hooks into .claude/settings.json of `folder`. `program` starts the hook, as a shell takes it. Rejects with MailboxError. */
export async function planHooks(folder: string, tag: Tag, program: string): Promise<Edit> {
	const file = settingsFile(folder);
	const before = await readText(file);
	const after = editing(file, () => {
		let text = before === null || before.trim() === '' ? '{}\n' : before;
		for (const event of hookEvents) {
			const wanted = entry(event, `${program} ${event} --as ${tag}`);
			const present = ownIndex(text, event, null);
			const items = valueAt(text, [root, event]);
			if (present === -1) text = appendAt(text, [root, event], wanted);
			else if (Array.isArray(items) && !isDeepStrictEqual(items[present], wanted)) {
				text = replaceItem(text, [root, event], present, wanted);
			}
		}
		return text;
	});
	return {file, before, after, remarks: []};
}

/** Takes out our hooks for this tag (null: for any). What stays empty was made by join, and goes. */
export async function planUnhook(folder: string, tag: Tag | null): Promise<Edit> {
	const file = settingsFile(folder);
	const before = await readText(file);
	if (before === null || before.trim() === '') return {file, before, after: before, remarks: []};
	const after = editing(file, () => {
		let text = before;
		for (const event of hookEvents) {
			const present = ownIndex(text, event, tag);
			if (present === -1) continue;
			text = removeItem(text, [root, event], present);
			if (isDeepStrictEqual(valueAt(text, [root, event]), [])) text = removeAt(text, [root, event]);
		}
		return text !== before && isDeepStrictEqual(valueAt(text, [root]), {}) ? removeAt(text, [root]) : text;
	});
	return {file, before, after: after !== before && after.trim() === '{}' ? null : after, remarks: []};
}

function settingsFile(folder: string): string {
	return join(folder, '.claude', 'settings.json');
}

function entry(event: HookEvent, command: string): Value {
	const hook = {type: 'command', command, timeout: patience};
	// It runs beside the client, which takes the exit code 2 for a reason to wake up.
	return {hooks: [event === 'FileChanged' ? {...hook, asyncRewake: true} : hook]};
}

/** Where ours stands among the entries of the event; -1: nowhere. */
function ownIndex(text: string, event: HookEvent, tag: Tag | null): number {
	const items = valueAt(text, [root, event]);
	if (!Array.isArray(items)) return -1;
	return items.findIndex(item => {
		const own = tagOfHook(item, event);
		return own !== null && (tag === null || sameTag(own, tag));
	});
}

/** Whose mail an entry hands over; null when we did not write it. */
function tagOfHook(item: unknown, event: HookEvent): Tag | null {
	const {hooks} = (item ?? {}) as {readonly hooks?: unknown};
	const [hook, ...more] = Array.isArray(hooks) ? (hooks as unknown[]) : [];
	const {command} = (hook ?? {}) as {readonly command?: unknown};
	if (more.length > 0 || typeof command !== 'string') return null;
	const [, name, tag = ''] = /hook\.cjs'? ([A-Za-z]+) --as (\S+)$/.exec(command) ?? [];
	return name === event && isTag(tag) ? tag : null;
}
