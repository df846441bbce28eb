import {isTag, sameTag, type Tag} from '../../mailbox/tag.ts';

/** One entry of `mcpServers` in a .mcp.json: how a client starts a server. */
export interface ServerEntry {
	readonly command: string;
	readonly args: readonly string[];
	readonly env?: {readonly [name: string]: string};
}

/** How this program is started from anywhere: the command, and the words that go before its own. */
export interface Launcher {
	readonly command: string;
	readonly args: readonly string[];
	readonly env?: {readonly [name: string]: string};
}

/** What the environment may say of a Supabase project that is no secret. */
export const urlVariable = 'SUPABASE_URL';
/** And what is one. */
export const keyVariables = [
	'SUPABASE_SECRET_KEY',
	'SUPABASE_SERVICE_ROLE_KEY',
	'SUPABASE_PUBLISHABLE_KEY',
	'SUPABASE_ANON_KEY',
	'SUPABASE_ACCESS_TOKEN',
] as const;

/** The agent's own server. */
export const mailboxServer = 'agentmux';
/** The stock Supabase MCP server, started through us so that the file holds no key and no port. */
export const supabaseServer = 'supabase';
/** Its name where another server is called `supabase` already. */
export const otherSupabaseServer = 'agentmux-supabase';

export function mailboxEntry({command, args, env}: Launcher, tag: Tag): ServerEntry {
	return {command, args: [...args, 'mcp', '--as', tag], ...(env === undefined ? {} : {env})};
}

export function supabaseEntry({command, args, env}: Launcher, tag: Tag): ServerEntry {
	return {command, args: [...args, 'mcp', '--supabase', '--as', tag], ...(env === undefined ? {} : {env})};
}

/** Whose server an `agentmux` entry starts; null when we did not write it. */
export function tagOfEntry(entry: unknown): Tag | null {
	const words = wordsOf(entry);
	const [mcp, as, tag] = words.slice(-3);
	return mcp === 'mcp' && as === '--as' && tag !== undefined && isTag(tag) ? tag : null;
}

export function isMailboxEntry(entry: unknown, tag: Tag): boolean {
	const own = tagOfEntry(entry);
	return own !== null && sameTag(own, tag);
}

export function isSupabaseEntry(entry: unknown): boolean {
	const words = wordsOf(entry);
	// Before agents had SQL of their own, it did not say whose.
	const own = words.slice(words.at(-2) === '--as' ? -4 : -2);
	return own[0] === 'mcp' && own[1] === '--supabase';
}

function wordsOf(entry: unknown): string[] {
	if (typeof entry !== 'object' || entry === null || !('args' in entry) || !Array.isArray(entry.args)) return [];
	return entry.args.map(String);
}
