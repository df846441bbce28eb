import {isDeepStrictEqual} from 'node:util';
import {join} from 'node:path';
import {MailboxError} from '../../mailbox/error.ts';
import {isTag, sameTag, type Tag} from '../../mailbox/tag.ts';
import {foldersAboveInGit} from '../clients/above.ts';
import {claude, eventsOf, type Client} from '../clients/clients.ts';
import {headlessFlag} from '../clients/entries.ts';
import {editing, orNothing, readText, unedited, type Edit} from './file-edit.ts';
import {holderIn} from './holder.ts';
import {locate} from './json-document.ts';
import {appendAt, removeAt, removeItem, replaceItem, valueAt, type Value} from './json-edit.ts';

const root = 'hooks';
const permissions = 'permissions';

/** What the hooks of a folder are like. */
export interface HookOptions {
	/** Whether they also work in runs without a user. */
	readonly headless?: boolean;
}

/**
 * Plans our hooks in the client's settings of `folder`, and the permission to call our tools. `program` is the shell command that
 * starts the hook; it finds the tag by the folder, so the lines are the same in every folder. `edit` is an earlier edit of the same
 * file, if it contains more than hooks. Rejects with MailboxError.
 */
export async function planHooks(
	folder: string,
	tag: Tag,
	program: string,
	client = claude,
	edit?: Edit,
	{headless = false}: HookOptions = {},
): Promise<Edit> {
	if (client.inherits) await checkAbove(folder, tag, client);
	const {file, before, after: start, remarks} = edit ?? (await unedited(join(folder, client.hooks)));
	const entries = hookEntries(client, program, headless ? ` ${headlessFlag}` : '');
	const after = editing(file, () => {
		const bare = start === null || start.trim() === '' ? '{}\n' : start;
		locate(bare, client);
		// Remove hooks that an older version wrote for events that are no longer used.
		let text = withoutHooks(bare, null, event => entries[event] === undefined);
		for (const [event, wanted] of Object.entries(entries)) {
			const [own, ...others] = ownIn(text, event, null);
			if (own?.others.length === 0 && others.length === 0) {
				if (!isDeepStrictEqual(own.item, wanted)) text = replaceItem(text, [root, event], own.index, wanted);
			} else {
				text = appendAt(without(text, event, null), [root, event], wanted);
			}
		}
		return withPermission(text, client.permissions?.server);
	});
	return {file, before, after, remarks};
}

/** Plans only the permission to call the tools of our plugin, which brings its own hooks and server. Rejects with MailboxError. */
export async function planPluginPermission(folder: string, client = claude): Promise<Edit> {
	const edit = await unedited(join(folder, client.hooks));
	const {file, before} = edit;
	const after = editing(file, () => {
		const bare = before === null || before.trim() === '' ? '{}\n' : before;
		locate(bare, client);
		return withPermission(bare, client.permissions?.plugin);
	});
	return {...edit, after};
}

/** Our hooks for each event of a client, as its settings have them. `program` is the shell command that starts the hook. */
export function hookEntries(client: Client, program: string, more = ''): {readonly [event: string]: Value} {
	return Object.fromEntries(
		eventsOf(client).map(event => [event, entry(client, event, `${program} ${event}${suffix(client)}${more}`)]),
	);
}

/** Whether our hook may wait for a human's answer to a request for permission, as those of earlier versions may not. */
export function mayWait(text: string, {fields}: Client): boolean {
	const wanted = fields?.['PermissionRequest']?.['timeout'];
	if (wanted === undefined) return true;
	try {
		return ownIn(text, 'PermissionRequest', null).some(({item}) =>
			JSON.stringify(item).includes(`"timeout":${JSON.stringify(wanted)}`),
		);
	} catch {
		// It is damaged, which join reports.
		return true;
	}
}

/** Allows our own tools: a woken agent's answer would otherwise wait for a human, who is not there. */
function withPermission(text: string, permission: string | undefined): string {
	const path = [permissions, 'allow'];
	const known = valueAt(text, path);
	if (permission === undefined || (Array.isArray(known) && known.includes(permission))) return text;
	return appendAt(text, path, permission);
}

/** Rejects with MailboxError `conflict` if the hooks of two folders with different tags would run in one session. */
async function checkAbove(folder: string, tag: Tag, client: Client): Promise<void> {
	for (const above of foldersAboveInGit(folder)) {
		const file = join(above, client.hooks);
		const text = (await readText(file).catch(() => null)) ?? '';
		const [, old = null] = /hook\.cjs'? [A-Za-z]+ --as (\S+)/.exec(text) ?? [];
		const other = old ?? (startsHook(text) ? await holderIn(above, client) : null);
		if (other === null || sameTag(other, tag)) continue;
		throw new MailboxError(
			'conflict',
			`${client.name} also runs the hooks of ${file} in ${folder}, and they are for ${other}: one session would get the mail of both.`,
			`Start it as ${other}, or first run \`agentmux leave ${other} --dir ${above}\`.`,
		);
	}
}

/**
 * Plans to remove our hooks for this tag (null: for any), the permission, and lists that this leaves empty. Hooks name no tag: they
 * stay if the folder's servers are another agent's. `former` is the text from before join, as far as it is known: a permission that
 * was there stays.
 */
export async function planHooksRemoval(
	folder: string,
	tag: Tag | null,
	client = claude,
	former: string | null = null,
): Promise<Edit> {
	const start = await unedited(join(folder, client.hooks));
	const {file, before} = start;
	if (before === null || before.trim() === '') return start;
	const holder = tag === null ? null : await holderIn(folder, client);
	if (holder !== null && tag !== null && !sameTag(holder, tag)) return start;
	const after = editing(file, () => {
		const text = withoutHooks(before, tag, () => true);
		const isEmpty = text !== before && isDeepStrictEqual(valueAt(text, [root]), {});
		const {server, plugin} = client.permissions ?? {};
		// Without hooks, only our plugin can have been the reason for a rule.
		const rules = [...(text === before ? [] : [server]), plugin].filter(rule => !isAllowed(former, rule));
		return rules.reduce(withoutPermission, isEmpty ? removeAt(text, [root]) : text);
	});
	// Not followed by another tag.
	const changed = new RegExp(String.raw`${hookProgram} [A-Za-z]+\b(?! --as (?!${tag}(?![\w-])))`, 'i');
	const remarks =
		tag !== null && changed.test(after)
			? [`${file} still starts the hook of ${tag}, in an entry that somebody has changed. It was not removed.`]
			: [];
	return {file, before, after: orNothing(before, after), remarks};
}

function withoutPermission(text: string, rule: string | undefined): string {
	const path = [permissions, 'allow'];
	const known = valueAt(text, path);
	const index = Array.isArray(known) && rule !== undefined ? known.indexOf(rule) : -1;
	if (index === -1) return text;
	let rest = removeItem(text, path, index);
	if (isDeepStrictEqual(valueAt(rest, path), [])) rest = removeAt(rest, path);
	return isDeepStrictEqual(valueAt(rest, [permissions]), {}) ? removeAt(rest, [permissions]) : rest;
}

function isAllowed(text: string | null, rule: string | undefined): boolean {
	try {
		const known = text === null || text.trim() === '' ? null : valueAt(text, [permissions, 'allow']);
		return Array.isArray(known) && known.includes(rule);
	} catch {
		return false;
	}
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
		const others = hooks.filter(hook => !isOurs(hook, event, tag));
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

/** How a hook's program ends in its line: now, and in what earlier versions wrote. */
const hookProgram = "(?:agentmux-hook|hook\\.cjs)'?";
/** A line as join writes it; in earlier versions with the tag. */
const line = new RegExp(`${hookProgram} ([A-Za-z]+)( --as \\S+)?(?: --client [a-z]+)?(?: --[a-z]+)?$`);

/** Whether join wrote the hook, for this tag (null: for any). */
function isOurs(hook: unknown, event: string, tag: Tag | null): boolean {
	const {command} = (hook ?? {}) as {readonly command?: unknown};
	const [found, name, as] = (typeof command === 'string' ? line.exec(command) : null) ?? [];
	if (found === undefined || name !== event) return false;
	const own = as?.trim().split(' ')[1];
	if (own === undefined) return true;
	return isTag(own) && (tag === null || sameTag(own, tag));
}

/** Whether the text of a client's settings starts our hook. */
export function startsHook(text: string): boolean {
	return new RegExp(`${hookProgram} [A-Za-z]`).test(text);
}

/** Whether the text of a client's settings starts our hook in runs without a user as well. */
export function startsHeadless(text: string): boolean {
	return new RegExp(`${hookProgram} [A-Za-z][^"]* ${headlessFlag}"`).test(text);
}

/** Whether the text of a client's settings lets it call the tools of our plugin. */
export function allowsPlugin(text: string, {permissions: rules}: Client): boolean {
	return rules !== undefined && text.includes(`"${rules.plugin}"`);
}
