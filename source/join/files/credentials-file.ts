import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import {readOwnFile, replaceFile} from '../../hub/files/whole-file.ts';
import {MailboxError} from '../../mailbox/error.ts';
import {foldTag, isTag, type Tag} from '../../mailbox/tag.ts';

/** What join leaves for an agent in our home, readable by this user only. It saves the hook from needing a secret of the hub. */
export interface Credentials {
	readonly tag: Tag;
	/** Of a Supabase project; null for the hub of this home, whatever its current address. */
	readonly url: string | null;
	/** Null if the environment of the client has it. */
	readonly key: string | null;
	/** The agent's token for a hub, renewed before it expires; null for a project, where the agent signs in. */
	readonly token: string | null;
	/** The agent's user of a Supabase project; null on a hub, and if no user could be created. */
	readonly account: AccountCredentials | null;
	/** Whether its `supabase` server runs SQL as the owner of the database, because a human joined it with --owner-sql. */
	readonly owner_sql: boolean;
	/** The folders where it has joined and not left. Somebody else may have moved or removed them since. */
	readonly folders: readonly string[];
	/** Those of them in which it has no server for SQL, because it was joined with --no-sql. */
	readonly no_sql: readonly string[];
	/** Those of them in which it takes part in runs without a user, because it was joined with --headless. */
	readonly headless: readonly string[];
	/** By path of a file in the joined folders: the text that leave restores if the file is still as join left it. */
	readonly files: {readonly [path: string]: {readonly before: string | null; readonly sha256: string}};
}

/** The credentials with which an agent signs in. */
interface AccountCredentials {
	/** Of the project. */
	readonly url: string;
	readonly id: string;
	readonly email: string;
	readonly password: string;
}

/** `data` is the data folder. */
export function credentialsFile(data: string, tag: Tag): string {
	return join(data, 'agents', `${foldTag(tag)}.json`);
}

/** Null if the tag has not joined. Throws MailboxError `file` if the file cannot be read or is damaged. */
export function readCredentials(data: string, tag: Tag): Credentials | null {
	const path = credentialsFile(data, tag);
	let value: Partial<Credentials>;
	try {
		value = (JSON.parse(readOwnFile(path)) ?? {}) as Partial<Credentials>;
		// One of them is always written, even if it is null.
		if (value.token === undefined && value.url === undefined) throw new Error('not credentials');
	} catch (error) {
		const {code} = error as NodeJS.ErrnoException;
		if (code === 'ENOENT') return null;
		throw new MailboxError(
			'file',
			`${path} cannot be read (${code ?? 'it is damaged'}).`,
			'Remove it, and join again.',
			{
				cause: error,
			},
		);
	}
	const {url = null, key = null, token = null, account = null, folders, no_sql, headless, files = {}} = value;
	const owner_sql = value.owner_sql === true;
	// As it joined, which may differ in case.
	const joined = value.tag !== undefined && isTag(value.tag) ? value.tag : tag;
	const known = (list: unknown): string[] => (Array.isArray(list) ? list.map(String) : []);
	const places = {folders: known(folders), no_sql: known(no_sql), headless: known(headless)};
	return {tag: joined, url, key, token, account, owner_sql, ...places, files};
}

/**
 * Replaces the token `former` by a new one with its key. Does nothing if the file has another token by then: somebody else has
 * renewed it, or the agent has left. Throws if it cannot be written.
 */
export function updateToken(
	data: string,
	tag: Tag,
	former: string | null,
	{key, token}: {readonly key: string; readonly token: string},
): void {
	if (readCredentials(data, tag)?.token !== former) return;
	const path = credentialsFile(data, tag);
	// Keeps fields that a newer agentmux may have added.
	const credentials = JSON.parse(readOwnFile(path)) as Credentials;
	replaceFile(path, `${JSON.stringify({...credentials, key, token}, null, '\t')}\n`);
}

/** The credentials of every agent that has joined on this machine; skips damaged files. */
export function everyCredentials(data: string): Credentials[] {
	return joinedTags(data).flatMap(tag => {
		try {
			return readCredentials(data, tag) ?? [];
		} catch {
			return [];
		}
	});
}

/** What is wrong with the files that `everyCredentials` skips. */
export function damagedCredentials(data: string): MailboxError[] {
	return joinedTags(data).flatMap(tag => {
		try {
			readCredentials(data, tag);
			return [];
		} catch (error) {
			return error instanceof MailboxError ? [error] : [];
		}
	});
}

/** The tags that have joined on this machine, in upper case. */
export function joinedTags(data: string): Tag[] {
	try {
		return readdirSync(join(data, 'agents'))
			.filter(name => name.endsWith('.json'))
			.map(name => name.slice(0, -'.json'.length))
			.filter(isTag)
			.sort();
	} catch {
		return [];
	}
}
