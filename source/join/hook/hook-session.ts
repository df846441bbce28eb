import {existsSync, mkdirSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {readOwnFile, replaceFile} from '../../hub/files/whole-file.ts';

/** What the hooks of a running client, each in its own process, remember between them, and what its server asks of them. */
export interface SessionState {
	/** Whether a turn is going on, as far as hooks report it: none does when the user presses Esc. */
	readonly working: boolean;
	/** How often Stop has kept the agent going since the last prompt of the user. */
	readonly kept: number;
	/** Ids of messages that the client has, but whose receipt could not be sent. */
	readonly unconfirmed: readonly number[];
	/** Ids of messages that the client was given, which name the agent and ask something; Stop reminds of each once. */
	readonly asked: readonly number[];
	/** Who waits for the human's permission (permission.ts). */
	readonly blocked: readonly string[];
	/** Whether it was told that another client uses its tag. */
	readonly shared: boolean;
	/** The number of running subagents, for clients that report only their start and end. */
	readonly subagents: number;
	/** The id of the mailbox, as the database reported it last; null if not requested yet. */
	readonly mailbox: string | null;
}

const fresh: SessionState = {
	working: false,
	kept: 0,
	unconfirmed: [],
	asked: [],
	blocked: [],
	shared: false,
	subagents: 0,
	mailbox: null,
};

/** How many ids are kept; the newest. */
const maxIds = 500;

/** A part of a file name for the key of a client, which may contain anything. */
export function fileName(client: string): string {
	return client.replaceAll(/[^A-Za-z0-9-]/g, '_').slice(0, 100);
}

export class SessionFile {
	readonly #folder: string;
	readonly #path: string;

	/** `folder` is created when it is needed; `id` is the client's key, and may contain anything. */
	constructor(folder: string, id: string) {
		this.#folder = folder;
		this.#path = join(folder, `${fileName(id)}.json`);
	}

	/** A damaged file counts as none. */
	read(): SessionState {
		try {
			const value = JSON.parse(readOwnFile(this.#path)) as Partial<Record<keyof SessionState | 'unsaid', unknown>>;
			// An earlier version called it `unsaid`.
			const {working, kept, unconfirmed = value.unsaid, asked, blocked, shared, subagents, mailbox} = value;
			return {
				working: working === true,
				kept: typeof kept === 'number' ? kept : 0,
				unconfirmed: idsIn(unconfirmed),
				asked: idsIn(asked),
				blocked: Array.isArray(blocked) ? blocked.filter(who => typeof who === 'string') : [],
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
		const {working, kept, unconfirmed, asked, blocked, shared, subagents, mailbox} = {...this.read(), ...change};
		mkdirSync(this.#folder, {recursive: true, mode: 0o700});
		const text = JSON.stringify({
			working,
			kept,
			unconfirmed: unconfirmed.slice(-maxIds),
			asked: asked.slice(-maxIds),
			blocked,
			shared,
			subagents,
			mailbox,
		});
		// Not synced, because a hook has little time. If it is lost in a power cut, a message may be delivered twice.
		replaceFile(this.#path, text, {sync: false});
	}

	/** Whether any hook of the client has run. */
	exists(): boolean {
		return existsSync(this.#path);
	}

	/** Forgets everything, but for that a hook has run: the same client begins another session. */
	reset(): void {
		this.change(fresh);
	}

	remove(): void {
		rmSync(this.#path, {force: true});
	}
}

function idsIn(value: unknown): number[] {
	return Array.isArray(value) ? value.filter(id => Number.isSafeInteger(id)) : [];
}
