import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {readOwnFile, writePrivate} from '../hub/files/whole-file.ts';
import {foldTag, type Tag} from '../mailbox/tag.ts';

/** An agent's token of a hosted project, which runs out: made by whoever finds it old, and kept for the others. */
export interface KeptToken {
	/** Id of the user that it is of. */
	readonly account: string;
	readonly token: string;
	/** Milliseconds since 1970. */
	readonly expires_at: number;
	/** From when on another one is made, in milliseconds since 1970. */
	readonly renew_at: number;
}

function tokenFile(state: string, tag: Tag): string {
	return join(state, 'tokens', `${foldTag(tag)}.json`);
}

/** The one of that account; null when there is none, or it has run out. `state` is the folder of what may be lost. */
export function readKeptToken(state: string, tag: Tag, account: string): KeptToken | null {
	try {
		const kept = JSON.parse(readOwnFile(tokenFile(state, tag))) as KeptToken;
		return kept.account === account && kept.expires_at > Date.now() ? kept : null;
	} catch {
		return null;
	}
}

/** Readable by this user alone. Throws when it cannot be written. */
export function keepToken(state: string, tag: Tag, kept: KeptToken): void {
	writePrivate(tokenFile(state, tag), JSON.stringify(kept));
}

export function forgetToken(state: string, tag: Tag): void {
	rmSync(tokenFile(state, tag), {force: true});
}
