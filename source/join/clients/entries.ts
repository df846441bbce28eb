import {isTag, sameTag, type Tag} from '../../mailbox/tag.ts';

/** One entry of `mcpServers` in a .mcp.json: how a client starts a server. */
export interface ServerEntry {
	readonly command: string;
	readonly args: readonly string[];
	readonly env?: {readonly [name: string]: string};
}

/** How to start this program from anywhere: the command, and the arguments that precede its own. */
export interface Launcher {
	readonly command: string;
	readonly args: readonly string[];
	readonly env?: {readonly [name: string]: string};
}

/** The variable for a Supabase project that is not a secret. */
export const urlVariable = 'SUPABASE_URL';
/** The variables for a Supabase project that are secrets. */
export const keyVariables = [
	'SUPABASE_SECRET_KEY',
	'SUPABASE_SERVICE_ROLE_KEY',
	'SUPABASE_PUBLISHABLE_KEY',
	'SUPABASE_ANON_KEY',
	'SUPABASE_ACCESS_TOKEN',
] as const;

/** The agent's own server. */
export const mailboxServer = 'agentmux';
/** The stock Supabase MCP server, started through this program so that the file contains no key and no port. */
export const supabaseServer = 'supabase';
/** Its name if another server is already called `supabase`. */
export const otherSupabaseServer = 'agentmux-supabase';

/** The argument of hooks and servers of an agent that also takes part in runs without a user (`claude -p`). */
export const headlessFlag = '--headless';

/** What may differ between the servers of two agents. */
export interface ServerOptions {
	/** Whether it also takes part in runs without a user. */
	readonly headless?: boolean;
	/** Whether it has the stock Supabase MCP server, for SQL. */
	readonly sql?: boolean;
}

export function mailboxEntry({command, args, env}: Launcher, tag: Tag, headless: boolean): ServerEntry {
	const more = headless ? [headlessFlag] : [];
	return {command, args: [...args, 'mcp', '--as', tag, ...more], ...(env === undefined ? {} : {env})};
}

export function supabaseEntry({command, args, env}: Launcher, tag: Tag): ServerEntry {
	return {command, args: [...args, 'mcp', '--supabase', '--as', tag], ...(env === undefined ? {} : {env})};
}

/** The agent whose server an `agentmux` entry starts; null if join did not write the entry. */
export function tagOfEntry(entry: unknown): Tag | null {
	const words = wordsOf(entry).filter(word => word !== headlessFlag);
	const [mcp, as, tag] = words.slice(-3);
	return mcp === 'mcp' && as === '--as' && tag !== undefined && isTag(tag) ? tag : null;
}

export function isMailboxEntry(entry: unknown, tag: Tag): boolean {
	const own = tagOfEntry(entry);
	return own !== null && sameTag(own, tag);
}

export function isSupabaseEntry(entry: unknown): boolean {
	const words = wordsOf(entry);
	// Entries of earlier versions have no --as.
	const own = words.slice(words.at(-2) === '--as' ? -4 : -2);
	return own[0] === 'mcp' && own[1] === '--supabase';
}

function wordsOf(entry: unknown): string[] {
	if (typeof entry !== 'object' || entry === null || !('args' in entry) || !Array.isArray(entry.args)) return [];
	return entry.args.map(String);
}
