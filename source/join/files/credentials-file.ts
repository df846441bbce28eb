import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import {readOwnFile, replaceFile} from '../../hub/files/whole-file.ts';
import {MailboxError} from '../../mailbox/error.ts';
import {foldTag, isTag, type Tag} from '../../mailbox/tag.ts';

/** What join leaves in our own home for an agent, readable by this user alone: the hook needs no secret of the hub. */
export interface Credentials {
	readonly tag: Tag;
	/** Of a Supabase project; null: the hub of this home, wherever it listens just now. */
	readonly url: string | null;
	/** Null: the environment has it, where the client is started. */
	readonly key: string | null;
	/** The agent's own, of a hub, renewed before it expires; null elsewhere: there it signs in. */
	readonly token: string | null;
	/** The agent's own user of a Supabase project; null on a hub, and where no user could be made. */
	readonly account: AccountCredentials | null;
	/** Its `supabase` server runs SQL as the owner of the database: a human joined it so. */
	readonly owner_sql: boolean;
	/** Where join has set it up, and leave has not taken it out; somebody else may have moved or removed them since. */
	readonly folders: readonly string[];
	/** By path of a file in the joined folders: what leave puts back while it is as join left it. */
	readonly files: {readonly [path: string]: {readonly before: string | null; readonly sha256: string}};
}

/** What an agent signs in with. */
interface AccountCredentials {
	/** Of the project. */
	readonly url: string;
	readonly id: string;
	readonly email: string;
	readonly password: string;
}

/** `data` is the folder of what must not be lost. */
export function credentialsFile(data: string, tag: Tag): string {
	return join(data, 'agents', `${foldTag(tag)}.json`);
}

/** Null when the tag has not joined. Throws MailboxError `file` when the file cannot be read or is damaged. */
export function readCredentials(data: string, tag: Tag): Credentials | null {
	const path = credentialsFile(data, tag);
	let value: Partial<Credentials>;
	try {
		value = (JSON.parse(readOwnFile(path)) ?? {}) as Partial<Credentials>;
		// Always written, if only as null.
		if (value.token === undefined && value.url === undefined) throw new Error('not a place');
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
	const {url = null, key = null, token = null, account = null, folders = [], files = {}} = value;
	const owner_sql = value.owner_sql === true;
	return {tag, url, key, token, account, owner_sql, folders, files};
}

/**
 * Puts a new token, and the key that goes with it, in the place of `former`. Nothing happens where that is not there any more:
 * somebody else has renewed it, or the agent has left. Throws when it cannot be written.
 */
export function keepToken(
	data: string,
	tag: Tag,
	former: string | null,
	{key, token}: {readonly key: string; readonly token: string},
): void {
	if (readCredentials(data, tag)?.token !== former) return;
	const path = credentialsFile(data, tag);
	// As it is there, with what a newer agentmux may have written beside.
	const credentials = JSON.parse(readOwnFile(path)) as Credentials;
	replaceFile(path, `${JSON.stringify({...credentials, key, token}, null, '\t')}\n`);
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
