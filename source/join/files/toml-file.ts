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
	type ServerOptions,
	type ServerEntry,
} from '../clients/entries.ts';
import {readText, unedited, type Edit} from './file-edit.ts';
import {foreignServerAbove} from './mcp-file.ts';
import {parseToml, TomlFault} from '../../toml.ts';

const root = 'mcp_servers';
const end = '# agentmux: end';
const block = new RegExp(String.raw`^# agentmux: begin (\S+)[^\n]*\n([^]*?)^${end}[ \t]*(?:\r?\n|$)`, 'm');

/**
 * Plans our servers in the client's TOML file in `folder`: a block between two comments, which replaces a former one or is added at
 * the end. Every other byte stays. Rejects with MailboxError `file`, `invalid` or `conflict`.
 */
export async function planTomlServers(
	folder: string,
	tag: Tag,
	launcher: Launcher,
	client: Client,
	{headless = false, sql = true}: ServerOptions = {},
): Promise<Edit> {
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
	const existing = theirs[supabaseServer];
	const foreign = existing === undefined ? above : isSupabaseEntry(existing) ? null : file;
	const name = foreign === null ? supabaseServer : otherSupabaseServer;
	const remarks = [
		...(former === null || sameTag(former, tag)
			? []
			: [`${folder} was joined as ${former} before; a folder has only one tag.`]),
		...(foreign === null || !sql
			? []
			: [`${foreign} already has a \`${supabaseServer}\` server, which is kept; ours is named \`${name}\`.`]),
		...otherHooks(file, rest, client),
	];
	const wanted = {
		[mailboxServer]: table(mailboxEntry(launcher, tag, headless)),
		...(sql ? {[name]: table(supabaseEntry(launcher, tag))} : {}),
	};
	if (former === tag && isDeepStrictEqual(Object.keys(own).sort(), Object.keys(wanted).sort())) {
		// The client may have added settings, such as which tools it may call without asking.
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

/** Plans to remove our block for this tag (null: for any), with everything that the client has added to its tables. */
export async function planTomlServersRemoval(folder: string, tag: Tag | null, client: Client): Promise<Edit> {
	const start = await unedited(join(folder, client.servers));
	const {file, before} = start;
	if (before === null) return start;
	const {former} = divide(file, before);
	if (former === null || (tag !== null && !sameTag(former, tag))) return start;
	const after = before.replace(new RegExp(String.raw`(?:(?<=\n)\r?\n)?${block.source}`, 'm'), '');
	return {file, before, after: after === '' ? null : after, remarks: []};
}

interface Parts {
	/** The tag of our block; null if there is none. */
	readonly former: Tag | null;
	/** The servers of our block. */
	readonly own: TomlTable;
	/** The rest of the file. */
	readonly rest: TomlTable;
}

/** Throws MailboxError if the file is not TOML, or if removing our block would change the rest. */
function divide(file: string, text: string): Parts {
	const whole = parsed(file, text);
	const begin = /^# agentmux: begin (?=\S)/m.exec(text);
	const found = block.exec(text);
	if (found === null) {
		if (begin === null) return {former: null, own: {}, rest: whole};
		throw new MailboxError(
			'invalid',
			`The block that begins in line ${lineAt(text, begin.index)} of ${file} has no end. It was not changed.`,
			`Add \`${end}\` where it should end, or remove that line.`,
		);
	}
	const [all, former = '', inner = ''] = found;
	const own = tableIn(parsedOr(inner) ?? {}, root);
	const rest = parsedOr(text.slice(0, found.index) + text.slice(found.index + all.length));
	if (rest === null || !isDeepStrictEqual(less(rest, []), less(whole, Object.keys(own)))) {
		throw new MailboxError(
			'invalid',
			`In ${file}, something outside of lines ${lineAt(text, found.index)} to ${lineAt(text, found.index + all.trimEnd().length)} belongs to the tables in them. It was not changed.`,
			'Put it into another table, or move it above them.',
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
			`${file} is not valid TOML: ${error.message}. It was not changed.`,
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

/** Checks that the result is valid: nothing can be added to an inline table such as `mcp_servers = {}`. */
function checkAdded(file: string, before: string, after: string): void {
	if (parsedOr(after) !== null) return;
	throw new MailboxError(
		'conflict',
		`${file} defines \`${root}\` as an inline table, which cannot be extended${lineOf(before, root)}. It was not changed.`,
		`Write it as [${root}.NAME] tables, then join again.`,
	);
}

/** The file without those servers. An empty table counts as none. */
function less(whole: TomlTable, names: readonly string[]): TomlTable {
	const servers = Object.entries(tableIn(whole, root)).filter(([name]) => !names.includes(name));
	const {[root]: _, ...others} = whole;
	return servers.length === 0 ? others : {...others, [root]: Object.fromEntries(servers)};
}

function tableIn(table: TomlTable, name: string): TomlTable {
	const value = table[name];
	return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date) ? value : {};
}

/** A warning about other hooks in the file: Codex runs the hooks of both files, and complains about it at each start. */
function otherHooks(file: string, rest: TomlTable, {name, hooks}: Client): string[] {
	const own = Object.values(tableIn(rest, 'hooks')).some(Array.isArray);
	return own
		? [`${file} also has hooks, and ours are in ${hooks}: ${name} runs both, and says so when it starts.`]
		: [];
}

/** The client passes only named variables on to a server. */
function table({command, args, env}: ServerEntry) {
	return {command, args: [...args], env_vars: [urlVariable, ...keyVariables], ...(env === undefined ? {} : {env})};
}

function isWritten(wanted: object, own: TomlTable): boolean {
	const plain = JSON.parse(JSON.stringify(own)) as TomlTable;
	const {command, args, env_vars, env} = plain;
	return isDeepStrictEqual(JSON.parse(JSON.stringify({command, args, env_vars, env})), wanted);
}

function blockOf(tag: Tag, servers: {readonly [name: string]: object}): string {
	return `# agentmux: begin ${tag} (written by \`agentmux join\`, removed by \`agentmux leave ${tag}\`)
${stringify({[root]: servers}).trim()}
${end}
`;
}

/** ` (line N)` with the first line that contains the name outside of our block; empty if there is none. */
function lineOf(text: string, name: string): string {
	const theirs = text.replace(block, all => all.replaceAll(/[^\n]/g, '')).split('\n');
	const index = theirs.findIndex(line => line.includes(name) && !line.trimStart().startsWith('#'));
	return index === -1 ? '' : ` (line ${index + 1})`;
}

/** The line number of a position, from 1. */
function lineAt(text: string, position: number): number {
	return text.slice(0, position).split('\n').length;
}
