import {existsSync, mkdirSync, readdirSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {readOwnFile, replaceFile} from '../../hub/files/whole-file.ts';
import {sameTag, type Tag} from '../../mailbox/tag.ts';

/** The running client that a session belongs to. */
interface SessionOwner {
	readonly tag: Tag;
	/** The client's key. */
	readonly session: string;
	/** Whether somebody sits at it. */
	readonly interactive: boolean;
	/** Its process, so that its death is noticed (clients/running-process.ts); null for a client that does not name it. */
	readonly client: {readonly pid: number; readonly start: string | null} | null;
	/** Then those above its hook, one of which it is. */
	readonly above: readonly number[];
}

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
	/** The client's own record of its session, from which the agent's server reads what it does; null if it is not known. */
	readonly transcript: string | null;
	/** Files that were edited, and of which the mailbox does not know yet. */
	readonly edited: readonly string[];
	/** Null if it is not known. */
	readonly owner: SessionOwner | null;
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
	transcript: null,
	edited: [],
	owner: null,
};

/** How many ids are kept; the newest. */
const maxIds = 500;
/** How many edited files are kept; the newest. */
const maxEdited = 50;

/** The folder for the sessions of this machine. `state` is the state folder. */
export function sessionsFolder(state: string): string {
	return join(state, 'hooks');
}

/** Those of an agent whose client does not name its process, and is this one. */
export function sessionsBelow(state: string, tag: Tag, pid: number): SessionFile[] {
	const folder = sessionsFolder(state);
	const files = namesIn(folder).map(name => new SessionFile(folder, name.slice(0, -'.json'.length)));
	return files.filter(file => {
		const {owner} = file.read();
		return owner !== null && sameTag(owner.tag, tag) && owner.client === null && owner.above.includes(pid);
	});
}

function namesIn(folder: string): string[] {
	try {
		return readdirSync(folder).filter(name => name.endsWith('.json'));
	} catch {
		return [];
	}
}

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
			const {working, kept, unconfirmed = value.unsaid, asked, blocked, shared, subagents} = value;
			const {mailbox, transcript, edited, owner} = value;
			return {
				working: working === true,
				kept: typeof kept === 'number' ? kept : 0,
				unconfirmed: idsIn(unconfirmed),
				asked: idsIn(asked),
				blocked: textsIn(blocked),
				shared: shared === true,
				subagents: typeof subagents === 'number' ? subagents : 0,
				mailbox: typeof mailbox === 'string' ? mailbox : null,
				transcript: typeof transcript === 'string' ? transcript : null,
				edited: textsIn(edited),
				owner: ownerIn(owner),
			};
		} catch {
			return fresh;
		}
	}

	/** Throws if it cannot be written. Only one hook of a session runs at a time. */
	change(change: Partial<SessionState>): void {
		const {unconfirmed, asked, edited, ...rest} = {...this.read(), ...change};
		mkdirSync(this.#folder, {recursive: true, mode: 0o700});
		const text = JSON.stringify({
			...rest,
			unconfirmed: unconfirmed.slice(-maxIds),
			asked: asked.slice(-maxIds),
			edited: edited.slice(-maxEdited),
		});
		// Not synced, because a hook has little time. If it is lost in a power cut, a message may be delivered twice.
		replaceFile(this.#path, text, {sync: false});
	}

	/** Whether any hook of the client has run. */
	exists(): boolean {
		return existsSync(this.#path);
	}

	/** Forgets everything but whose it is, and that a hook has run: the same client begins another session, recorded there. */
	reset(transcript: string | null = null): void {
		const {owner: _, ...rest} = fresh;
		this.change({...rest, transcript});
	}

	remove(): void {
		rmSync(this.#path, {force: true});
	}
}

/** Null if it is damaged. */
function ownerIn(value: unknown): SessionOwner | null {
	const {tag, session, interactive, client, above} = (value ?? {}) as {
		readonly [name in keyof SessionOwner]?: unknown;
	};
	const {pid, start} = (client ?? {}) as {readonly pid?: unknown; readonly start?: unknown};
	if (typeof tag !== 'string' || typeof session !== 'string') return null;
	return {
		tag,
		session,
		interactive: interactive === true,
		client: typeof pid === 'number' ? {pid, start: typeof start === 'string' ? start : null} : null,
		above: idsIn(above),
	};
}

function textsIn(value: unknown): string[] {
	return Array.isArray(value) ? value.filter(text => typeof text === 'string') : [];
}

function idsIn(value: unknown): number[] {
	return Array.isArray(value) ? value.filter(id => Number.isSafeInteger(id)) : [];
}
