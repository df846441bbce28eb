import {isDeepStrictEqual} from 'node:util';
import {join} from 'node:path';
import {isTag, sameTag, type Tag} from '../mailbox/tag.ts';
import {editing, readText, type Edit} from './file-edit.ts';
import {hookEvents, isHookEvent, type HookEvent} from './hook-input.ts';
import {appendAt, removeAt, removeItem, replaceItem, valueAt, type Value} from './json-edit.ts';

const root = 'hooks';
/** Seconds after which the client ends a hook that does not end by itself, as ours does. */
const patience = 5;

/** Writes our hooks into .claude/settings.json of `folder`. `program` starts the hook, as a shell takes it. Rejects with MailboxError. */
export async function planHooks(folder: string, tag: Tag, program: string): Promise<Edit> {
	const file = settingsFile(folder);
	const before = await readText(file);
	const after = editing(file, () => {
		const bare = before === null || before.trim() === '' ? '{}\n' : before;
		// What an older version wrote for an event that is of no use any more.
		let text = unhooked(bare, null, event => !isHookEvent(event));
		for (const event of hookEvents) {
			const wanted = entry(event, `${program} ${event} --as ${tag}`);
			const [own, ...more] = ownIn(text, event, null);
			if (own?.others.length === 0 && more.length === 0) {
				if (!isDeepStrictEqual(own.item, wanted)) text = replaceItem(text, [root, event], own.index, wanted);
			} else {
				text = appendAt(without(text, event, null), [root, event], wanted);
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
		const text = unhooked(before, tag, () => true);
		return text !== before && isDeepStrictEqual(valueAt(text, [root]), {}) ? removeAt(text, [root]) : text;
	});
	const changed = tag !== null && new RegExp(String.raw`hook\.cjs'? [A-Za-z]+ --as ${tag}(?![\w-])`, 'i').test(after);
	const remarks = changed
		? [`${file} still starts the hook of ${tag}, in an entry that somebody has changed; it was left.`]
		: [];
	return {file, before, after: after !== before && after.trim() === '{}' ? null : after, remarks};
}

/** The text without our hooks for this tag (null: for any) in the events that are `meant`, and without the lists that this leaves empty. */
function unhooked(before: string, tag: Tag | null, meant: (event: string) => boolean): string {
	let text = before;
	const events = valueAt(text, [root]);
	for (const event of Object.keys(events ?? {}).filter(meant)) {
		const rest = without(text, event, tag);
		if (rest === text) continue;
		text = isDeepStrictEqual(valueAt(rest, [root, event]), []) ? removeAt(rest, [root, event]) : rest;
	}
	return text;
}

function settingsFile(folder: string): string {
	return join(folder, '.claude', 'settings.json');
}

function entry(event: HookEvent, command: string): Value {
	const hook = {type: 'command', command, timeout: patience};
	// It runs beside the client, which takes the exit code 2 for a reason to wake up.
	return {hooks: [event === 'FileChanged' ? {...hook, asyncRewake: true} : hook]};
}

/** An entry of an event that starts our hook. */
interface Own {
	/** Among the entries of the event. */
	readonly index: number;
	readonly item: {readonly [key: string]: Value};
	/** What else somebody has put into it. */
	readonly others: readonly Value[];
}

/** Ours for this tag (null: for any). */
function ownIn(text: string, event: string, tag: Tag | null): Own[] {
	const items = valueAt(text, [root, event]);
	if (!Array.isArray(items)) return [];
	return items.flatMap((item: {readonly [key: string]: Value} | null, index) => {
		const hooks = Array.isArray(item?.['hooks']) ? (item['hooks'] as Value[]) : [];
		const others = hooks.filter(hook => {
			const own = tagOfHook(hook, event);
			return own === null || (tag !== null && !sameTag(own, tag));
		});
		return item === null || others.length === hooks.length ? [] : [{index, item, others}];
	});
}

/** The text without our hooks; what somebody has added to an entry of ours stays. */
function without(text: string, event: string, tag: Tag | null): string {
	return ownIn(text, event, tag).reduceRight((rest, {index, item, others}) => {
		if (others.length === 0) return removeItem(rest, [root, event], index);
		return replaceItem(rest, [root, event], index, {...item, hooks: others});
	}, text);
}

/** Whose mail a hook hands over; null when we did not write it. */
function tagOfHook(hook: unknown, event: string): Tag | null {
	const {command} = (hook ?? {}) as {readonly command?: unknown};
	if (typeof command !== 'string') return null;
	const [, name, tag = ''] = /hook\.cjs'? ([A-Za-z]+) --as (\S+)$/.exec(command) ?? [];
	return name === event && isTag(tag) ? tag : null;
}
