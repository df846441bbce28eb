import {mkdirSync, readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {replaceFile} from '../../hub/files/whole-file.ts';

/** What the hooks of one session of a client remember from one to the next: each is a process of its own. */
export interface Session {
	/** How often Stop kept the agent going since the user last said something. */
	readonly kept: number;
	/** Ids whose text the client has, but whose receipt did not get through. */
	readonly unsaid: readonly number[];
	/** Ids that Stop has called open already. */
	readonly reminded: readonly number[];
	/** It waits for the human's permission. */
	readonly blocked: boolean;
	/** It was told that another client works under its tag. */
	readonly shared: boolean;
	/** How many subagents are at work, where only their beginning and end tell of them. */
	readonly subagents: number;
	/** Which mailbox it reads, as the database said last; null: not asked yet. */
	readonly mailbox: string | null;
}

const fresh: Session = {
	kept: 0,
	unsaid: [],
	reminded: [],
	blocked: false,
	shared: false,
	subagents: 0,
	mailbox: null,
};

/** How many ids are kept: of the newest. */
const most = 500;

export class SessionFile {
	readonly #folder: string;
	readonly #path: string;

	/** `folder` is made when it is needed; `id` is the client's, and may hold anything. */
	constructor(folder: string, id: string) {
		this.#folder = folder;
		this.#path = join(folder, `${id.replaceAll(/[^A-Za-z0-9-]/g, '_').slice(0, 100)}.json`);
	}

	/** A damaged one counts as none. */
	read(): Session {
		try {
			const value = JSON.parse(readFileSync(this.#path, 'utf8')) as Partial<Record<keyof Session, unknown>>;
			const {kept, unsaid, reminded, blocked, shared, subagents, mailbox} = value;
			return {
				kept: typeof kept === 'number' ? kept : 0,
				unsaid: idsIn(unsaid),
				reminded: idsIn(reminded),
				blocked: blocked === true,
				shared: shared === true,
				subagents: typeof subagents === 'number' ? subagents : 0,
				mailbox: typeof mailbox === 'string' ? mailbox : null,
			};
		} catch {
			return fresh;
		}
	}

	/** Throws when it cannot be written. One hook of a session runs at a time. */
	change(change: Partial<Session>): void {
		const {kept, unsaid, reminded, blocked, shared, subagents, mailbox} = {...this.read(), ...change};
		mkdirSync(this.#folder, {recursive: true, mode: 0o700});
		const text = JSON.stringify({
			kept,
			unsaid: unsaid.slice(-most),
			reminded: reminded.slice(-most),
			blocked,
			shared,
			subagents,
			mailbox,
		});
		// A hook has little time, and a session that is lost with the power is at worst told something twice.
		replaceFile(this.#path, text, {sync: false});
	}

	remove(): void {
		rmSync(this.#path, {force: true});
	}
}

function idsIn(value: unknown): number[] {
	return Array.isArray(value) ? value.filter(id => Number.isSafeInteger(id)) : [];
}
