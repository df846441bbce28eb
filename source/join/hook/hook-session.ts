import {mkdirSync, readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {replaceFile} from '../../hub/files/whole-file.ts';

/** What the hooks of a client's session, each in its own process, remember between them. */
export interface SessionState {
	/** How often Stop has kept the agent going since the last prompt of the user. */
	readonly kept: number;
	/** Ids of messages that the client has, but whose receipt could not be sent. */
	readonly unconfirmed: readonly number[];
	/** Ids of open messages of which Stop has already reminded the agent. */
	readonly reminded: readonly number[];
	/** Whether it waits for the human's permission. */
	readonly blocked: boolean;
	/** Whether it was told that another client uses its tag. */
	readonly shared: boolean;
	/** The number of running subagents, for clients that report only their start and end. */
	readonly subagents: number;
	/** The id of the mailbox, as the database reported it last; null if not requested yet. */
	readonly mailbox: string | null;
}

const fresh: SessionState = {
	kept: 0,
	unconfirmed: [],
	reminded: [],
	blocked: false,
	shared: false,
	subagents: 0,
	mailbox: null,
};

/** How many ids are kept; the newest. */
const maxIds = 500;

export class SessionFile {
	readonly #folder: string;
	readonly #path: string;

	/** `folder` is created when it is needed; `id` comes from the client and may contain anything. */
	constructor(folder: string, id: string) {
		this.#folder = folder;
		this.#path = join(folder, `${id.replaceAll(/[^A-Za-z0-9-]/g, '_').slice(0, 100)}.json`);
	}

	/** A damaged file counts as none. */
	read(): SessionState {
		try {
			const value = JSON.parse(readFileSync(this.#path, 'utf8')) as Partial<
				Record<keyof SessionState | 'unsaid', unknown>
			>;
			// An earlier version called it `unsaid`.
			const {kept, unconfirmed = value.unsaid, reminded, blocked, shared, subagents, mailbox} = value;
			return {
				kept: typeof kept === 'number' ? kept : 0,
				unconfirmed: idsIn(unconfirmed),
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

	/** Throws if it cannot be written. Only one hook of a session runs at a time. */
	change(change: Partial<SessionState>): void {
		const {kept, unconfirmed, reminded, blocked, shared, subagents, mailbox} = {...this.read(), ...change};
		mkdirSync(this.#folder, {recursive: true, mode: 0o700});
		const text = JSON.stringify({
			kept,
			unconfirmed: unconfirmed.slice(-maxIds),
			reminded: reminded.slice(-maxIds),
			blocked,
			shared,
			subagents,
			mailbox,
		});
		// Not synced, because a hook has little time. If it is lost in a power cut, a message may be delivered twice.
		replaceFile(this.#path, text, {sync: false});
	}

	remove(): void {
		rmSync(this.#path, {force: true});
	}
}

function idsIn(value: unknown): number[] {
	return Array.isArray(value) ? value.filter(id => Number.isSafeInteger(id)) : [];
}
