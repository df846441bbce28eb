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
 * Plans our hooks in the client's settings of `folder`. `program` is the shell command that starts the hook; `edit` is an earlier
 * edit of the same file, if it contains more than hooks. Rejects with MailboxError.
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
		// Remove hooks that an older version wrote for events that are no longer used.
		let text = withoutHooks(bare, null, event => !events.includes(event));
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

/** Rejects with MailboxError `conflict` if the hooks of two tags would run in one session, which would get the mail of both. */
async function checkAbove(folder: string, tag: Tag, {name, hooks}: Client): Promise<void> {
	for (const above of foldersAboveInGit(folder)) {
		const file = join(above, hooks);
		const [, other] = /hook\.cjs'? [A-Za-z]+ --as (\S+)/.exec((await readText(file).catch(() => null)) ?? '') ?? [];
		if (other === undefined || sameTag(other, tag)) continue;
		throw new MailboxError(
			'conflict',
			`${name} also runs the hooks of ${file} in ${folder}, and they are for ${other}: one session would get the mail of both.`,
			`Start it as ${other}, or first run agentmux leave ${other} --dir ${above}.`,
		);
	}
}

/** Plans to remove our hooks for this tag (null: for any), and lists that this leaves empty. */
export async function planHooksRemoval(folder: string, tag: Tag | null, client = claude): Promise<Edit> {
	const start = await unedited(join(folder, client.hooks));
	const {file, before} = start;
	if (before === null || before.trim() === '') return start;
	const after = editing(file, () => {
		const text = withoutHooks(before, tag, () => true);
		return text !== before && isDeepStrictEqual(valueAt(text, [root]), {}) ? removeAt(text, [root]) : text;
	});
	const changed = tag !== null && new RegExp(String.raw`hook\.cjs'? [A-Za-z]+ --as ${tag}(?![\w-])`, 'i').test(after);
	const remarks = changed
		? [`${file} still starts the hook of ${tag}, in an entry that somebody has changed. It was not removed.`]
		: [];
	return {file, before, after: orNothing(before, after), remarks};
}

/** The text without our hooks for this tag (null: for any) in the chosen events, and without lists that this leaves empty. */
function withoutHooks(before: string, tag: Tag | null, isChosen: (event: string) => boolean): string {
	let text = before;
	const events = valueAt(text, [root]);
	for (const event of Object.keys(events ?? {}).filter(isChosen)) {
		const rest = without(text, event, tag);
		if (rest === text) continue;
		text = isDeepStrictEqual(valueAt(rest, [root, event]), []) ? removeAt(rest, [root, event]) : rest;
	}
	return text;
}

function entry({timeout, hookName, matchers, fields}: Client, event: string, command: string): Value {
	const hook = {...(hookName === undefined ? {} : {name: hookName}), type: 'command', command, timeout};
	const matcher = matchers?.[event];
	return {...(matcher === undefined ? {} : {matcher}), hooks: [{...hook, ...fields?.[event]}]};
}

/** The argument that tells the hook which client runs it. */
function suffix({id}: Client): string {
	return id === 'claude' ? '' : ` --client ${id}`;
}

/** An entry of an event that starts our hook. */
interface Own {
	/** The position among the entries of the event. */
	readonly index: number;
	readonly item: {readonly [key: string]: Value};
	/** Other hooks that somebody has added to the entry. */
	readonly others: readonly Value[];
}

/** Our entries for this tag (null: for any). */
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

/** The text without our hooks of an event; hooks that somebody has added to our entry stay. */
function without(text: string, event: string, tag: Tag | null): string {
	return ownIn(text, event, tag).reduceRight((rest, {index, item, others}) => {
		if (others.length === 0) return removeItem(rest, [root, event], index);
		return replaceItem(rest, [root, event], index, {...item, hooks: others});
	}, text);
}

/** The agent whose mail a hook hands over; null if join did not write the hook. */
function tagOfHook(hook: unknown, event: string): Tag | null {
	const {command} = (hook ?? {}) as {readonly command?: unknown};
	if (typeof command !== 'string') return null;
	const [, name, tag = ''] = /hook\.cjs'? ([A-Za-z]+) --as (\S+)(?: --client [a-z]+)?$/.exec(command) ?? [];
	return name === event && isTag(tag) ? tag : null;
}
