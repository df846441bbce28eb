import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {readOwnFile, writePrivate} from '../hub/files/whole-file.ts';
import {foldTag, type Tag} from '../mailbox/tag.ts';

/** An agent's token for a hosted project. The first process that finds it old renews it, and keeps it for the others. */
export interface KeptToken {
	/** The id of its user. */
	readonly account: string;
	readonly token: string;
	/** Milliseconds since 1970. */
	readonly expires_at: number;
	/** When to renew it, in milliseconds since 1970. */
	readonly renew_at: number;
}

function tokenFile(state: string, tag: Tag): string {
	return join(state, 'tokens', `${foldTag(tag)}.json`);
}

/** The token of that account; null if there is none, or it has expired. `state` is the state folder. */
export function readKeptToken(state: string, tag: Tag, account: string): KeptToken | null {
	try {
		const kept = JSON.parse(readOwnFile(tokenFile(state, tag))) as KeptToken;
		return kept.account === account && kept.expires_at > Date.now() ? kept : null;
	} catch {
		return null;
	}
}

/** Readable by this user only. Throws if it cannot be written. */
export function keepToken(state: string, tag: Tag, kept: KeptToken): void {
	writePrivate(tokenFile(state, tag), JSON.stringify(kept));
}

export function forgetToken(state: string, tag: Tag): void {
	rmSync(tokenFile(state, tag), {force: true});
}
