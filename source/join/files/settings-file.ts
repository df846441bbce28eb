import {isDeepStrictEqual} from 'node:util';
import {join} from 'node:path';
import {MailboxError} from '../../mailbox/error.ts';
import {isTag, sameTag, type Tag} from '../../mailbox/tag.ts';
import {foldersAboveInGit} from '../clients/above.ts';
import {claude, eventsOf, type Client} from '../clients/clients.ts';
import {editing, orNothing, readText, unedited, type Edit} from './file-edit.ts';
import {locate} from './json-document.ts';
import {appendAt, removeAt, removeItem, replaceItem, valueAt, type Value} from './json-edit.ts';

const root = 'hooks';

/**
 * Writes our hooks into the client's settings of `folder`. `program` starts the hook, as a shell takes it; `edit` is what
 * becomes of the file so far, where more than hooks stand in it. Rejects with MailboxError.
 */
export async function planHooks(
	folder: string,
	tag: Tag,
	program: string,
	client = claude,
	edit?: Edit,
): Promise<Edit> {
	if (client.inherits) await checkAbove(folder, tag, client);
	const {file, before, after: start, remarks} = edit ?? (await unedited(join(folder, client.hooks)));
	const after = editing(file, () => {
		const bare = start === null || start.trim() === '' ? '{}\n' : start;
		locate(bare, client);
		const events = eventsOf(client);
		// What an older version wrote for an event that is of no use any more.
		let text = unhooked(bare, null, event => !events.includes(event));
		for (const event of events) {
			const wanted = entry(client, event, `${program} ${event} --as ${tag}${suffix(client)}`);
			const [own, ...more] = ownIn(text, event, null);
			if (own?.others.length === 0 && more.length === 0) {
				if (!isDeepStrictEqual(own.item, wanted)) text = replaceItem(text, [root, event], own.index, wanted);
			} else {
				text = appendAt(without(text, event, null), [root, event], wanted);
			}
		}
		return text;
	});
	return {file, before, after, remarks};
}

/** Hooks of two tags in one session would hand the mail of both to it. Rejects with MailboxError `conflict`. */
async function checkAbove(folder: string, tag: Tag, {name, hooks}: Client): Promise<void> {
	for (const above of foldersAboveInGit(folder)) {
		const file = join(above, hooks);
		const [, other] = /hook\.cjs'? [A-Za-z]+ --as (\S+)/.exec((await readText(file).catch(() => null)) ?? '') ?? [];
		if (other === undefined || sameTag(other, tag)) continue;
		throw new MailboxError(
			'conflict',
			`${name} runs the hooks of ${file} in ${folder} too, and they are those of ${other}: one session would take the mail of two.`,
			`Start it as ${other}, or take that out first (agentmux leave ${other} --dir ${above}).`,
		);
	}
}

/** Takes out our hooks for this tag (null: for any). What stays empty was made by join, and goes. */
export async function planUnhook(folder: string, tag: Tag | null, client = claude): Promise<Edit> {
	const start = await unedited(join(folder, client.hooks));
	const {file, before} = start;
	if (before === null || before.trim() === '') return start;
	const after = editing(file, () => {
		const text = unhooked(before, tag, () => true);
		return text !== before && isDeepStrictEqual(valueAt(text, [root]), {}) ? removeAt(text, [root]) : text;
	});
	const changed = tag !== null && new RegExp(String.raw`hook\.cjs'? [A-Za-z]+ --as ${tag}(?![\w-])`, 'i').test(after);
	const remarks = changed
		? [`${file} still starts the hook of ${tag}, in an entry that somebody has changed; it was left.`]
		: [];
	return {file, before, after: orNothing(before, after), remarks};
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

function entry({timeout, hookName, matchers, beside}: Client, event: string, command: string): Value {
	const hook = {...(hookName === undefined ? {} : {name: hookName}), type: 'command', command, timeout};
	const matcher = matchers?.[event];
	return {...(matcher === undefined ? {} : {matcher}), hooks: [{...hook, ...beside?.[event]}]};
}

/** By which the hook knows whose words it hears. */
function suffix({id}: Client): string {
	return id === 'claude' ? '' : ` --client ${id}`;
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
	const [, name, tag = ''] = /hook\.cjs'? ([A-Za-z]+) --as (\S+)(?: --client [a-z]+)?$/.exec(command) ?? [];
	return name === event && isTag(tag) ? tag : null;
}
