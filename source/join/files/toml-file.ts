import {isDeepStrictEqual} from 'node:util';
import {join} from 'node:path';
import {parse, stringify, type TomlTable} from 'smol-toml';
import {MailboxError} from '../../mailbox/error.ts';
import {sameTag, type Tag} from '../../mailbox/tag.ts';
import type {Client} from '../clients/clients.ts';
import {
	isSupabaseEntry,
	keyVariables,
	mailboxEntry,
	mailboxServer,
	otherSupabaseServer,
	supabaseEntry,
	supabaseServer,
	urlVariable,
	type Launcher,
	type ServerEntry,
} from '../clients/entries.ts';
import {readText, unedited, type Edit} from './file-edit.ts';
import {foreignServerAbove} from './mcp-file.ts';
import {parseToml, TomlFault} from '../../toml.ts';

const root = 'mcp_servers';
const end = '# agentmux: end';
const block = new RegExp(String.raw`^# agentmux: begin (\S+)[^\n]*\n([^]*?)^${end}[ \t]*(?:\r?\n|$)`, 'm');

/**
 * What join makes of the client's servers in `folder`, a file of TOML: a block of our own between two comments, at its end
 * or in place of the former. Every other byte stays. Rejects with MailboxError `file`, `invalid` or `conflict`.
 */
export async function planTomlJoin(folder: string, tag: Tag, launcher: Launcher, client: Client): Promise<Edit> {
	const file = join(folder, client.servers);
	const before = await readText(file);
	const text = before ?? '';
	const {former, own, rest} = divide(file, text);
	const theirs = tableIn(rest, root);
	if (theirs[mailboxServer] !== undefined) {
		throw new MailboxError(
			'conflict',
			`${file} has a server \`${mailboxServer}\` that join did not write${lineOf(text, mailboxServer)}.`,
			'Rename or remove it, then join again.',
		);
	}
	const above = await foreignServerAbove(folder, client, other => tableIn(parse(other), root));
	const taken = theirs[supabaseServer];
	const foreign = taken === undefined ? above : isSupabaseEntry(taken) ? null : file;
	const name = foreign === null ? supabaseServer : otherSupabaseServer;
	const remarks = [
		...(former === null || sameTag(former, tag)
			? []
			: [`${folder} was ${former} before; one folder speaks as one tag.`]),
		...(foreign === null
			? []
			: [`${foreign} has a \`${supabaseServer}\` server of its own, which stays; ours is called \`${name}\`.`]),
		...hooksBeside(file, rest, client),
	];
	const wanted = {
		[mailboxServer]: table(mailboxEntry(launcher, tag)),
		[name]: table(supabaseEntry(launcher, tag)),
	};
	if (former === tag && isDeepStrictEqual(Object.keys(own).sort(), Object.keys(wanted).sort())) {
		// What the client has added stands there too: which tools it may call without asking.
		const same = Object.entries(wanted).every(([server, entry]) => isWritten(entry, tableIn(own, server)));
		if (same) return {file, before, after: text, remarks};
	}
	const newline = text.includes('\r\n') ? '\r\n' : '\n';
	const written = blockOf(tag, wanted).replaceAll('\n', newline);
	const gap = text === '' ? '' : text.endsWith('\n') ? newline : newline + newline;
	const after = former === null ? `${text}${gap}${written}` : text.replace(block, () => written);
	checkAdded(file, text, after);
	return {file, before, after, remarks};
}

/** Takes our block for this tag (null: for any) out again, with what the client has added to its tables. */
export async function planTomlLeave(folder: string, tag: Tag | null, client: Client): Promise<Edit> {
	const start = await unedited(join(folder, client.servers));
	const {file, before} = start;
	if (before === null) return start;
	const {former} = divide(file, before);
	if (former === null || (tag !== null && !sameTag(former, tag))) return start;
	const after = before.replace(new RegExp(String.raw`(?:(?<=\n)\r?\n)?${block.source}`, 'm'), '');
	return {file, before, after: after === '' ? null : after, remarks: []};
}

interface Parts {
	/** Whose our block is; null: there is none. */
	readonly former: Tag | null;
	/** The servers of our block. */
	readonly own: TomlTable;
	/** What the file says without it. */
	readonly rest: TomlTable;
}

/** Throws MailboxError for what is no TOML, and where our block cannot be taken out without changing what else there is. */
function divide(file: string, text: string): Parts {
	const whole = parsed(file, text);
	const begin = /^# agentmux: begin (?=\S)/m.exec(text);
	const found = block.exec(text);
	if (found === null) {
		if (begin === null) return {former: null, own: {}, rest: whole};
		throw new MailboxError(
			'invalid',
			`In ${file} what begins in line ${lines(text, begin.index)} has no end; it was left as it is.`,
			`Put \`${end}\` where it should end, or remove that line.`,
		);
	}
	const [all, former = '', inner = ''] = found;
	const own = tableIn(parsedOr(inner) ?? {}, root);
	const rest = parsedOr(text.slice(0, found.index) + text.slice(found.index + all.length));
	if (rest === null || !isDeepStrictEqual(less(rest, []), less(whole, Object.keys(own)))) {
		throw new MailboxError(
			'invalid',
			`In ${file} something outside of the lines ${lines(text, found.index)} to ${lines(text, found.index + all.trimEnd().length)} belongs to the tables in them; it was left as it is.`,
			'Give it a table of its own, or move it above them.',
		);
	}
	return {former, own, rest};
}

function parsed(file: string, text: string): TomlTable {
	try {
		return parseToml(text);
	} catch (error) {
		if (!(error instanceof TomlFault)) throw error;
		throw new MailboxError(
			'invalid',
			`${file} is not valid TOML: ${error.message}; it was left as it is.`,
			'Correct that line, then try again.',
			{cause: error},
		);
	}
}

function parsedOr(text: string): TomlTable | null {
	try {
		return parse(text);
	} catch {
		return null;
	}
}

/** A table that is closed where it stands, as `mcp_servers = {}` is, takes none of ours. */
function checkAdded(file: string, before: string, after: string): void {
	if (parsedOr(after) !== null) return;
	throw new MailboxError(
		'conflict',
		`${file} defines \`${root}\` in a way that nothing can be added to${lineOf(before, root)}; it was left as it is.`,
		`Write it as [${root}.NAME] tables, then join again.`,
	);
}

/** Without those servers; no servers at all are the same as a table without any. */
function less(whole: TomlTable, names: readonly string[]): TomlTable {
	const servers = Object.entries(tableIn(whole, root)).filter(([name]) => !names.includes(name));
	const {[root]: _, ...others} = whole;
	return servers.length === 0 ? others : {...others, [root]: Object.fromEntries(servers)};
}

function tableIn(table: TomlTable, name: string): TomlTable {
	const value = table[name];
	return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date) ? value : {};
}

/** Codex runs the hooks of both places, and complains at each start that there are two. */
function hooksBeside(file: string, rest: TomlTable, {name, hooks}: Client): string[] {
	const own = Object.values(tableIn(rest, 'hooks')).some(Array.isArray);
	return own
		? [`${file} has hooks of its own, and ours stand in ${hooks}: ${name} runs both, and says so at its start.`]
		: [];
}

/** It passes nothing on to a server but what is named. */
function table({command, args, env}: ServerEntry) {
	return {command, args: [...args], env_vars: [urlVariable, ...keyVariables], ...(env === undefined ? {} : {env})};
}

function isWritten(wanted: object, own: TomlTable): boolean {
	const plain = JSON.parse(JSON.stringify(own)) as TomlTable;
	const {command, args, env_vars, env} = plain;
	return isDeepStrictEqual(JSON.parse(JSON.stringify({command, args, env_vars, env})), wanted);
}

function blockOf(tag: Tag, servers: {readonly [name: string]: object}): string {
	return `# agentmux: begin ${tag} (written by \`agentmux join\`, taken out by \`agentmux leave ${tag}\`)
${stringify({[root]: servers}).trim()}
${end}
`;
}

/** ` (line N)`, where a name is written first outside of our block; empty where it is written in some odd way. */
function lineOf(text: string, name: string): string {
	const theirs = text.replace(block, all => all.replaceAll(/[^\n]/g, '')).split('\n');
	const index = theirs.findIndex(line => line.includes(name) && !line.trimStart().startsWith('#'));
	return index === -1 ? '' : ` (line ${index + 1})`;
}

/** The number of the line that a position is in; counts from 1. */
function lines(text: string, position: number): number {
	return text.slice(0, position).split('\n').length;
}
