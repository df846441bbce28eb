import {clientStatus} from '../../join/clients/client-status.ts';
import {SessionFile, sessionsBelow, sessionsFolder} from '../../join/hook/hook-session.ts';
import type {Tag} from '../../mailbox/tag.ts';

interface AtWorkOptions {
	readonly env: NodeJS.ProcessEnv;
	readonly tag: Tag;
	/** The state folder. */
	readonly state: string;
	/** The client's key; null if it does not identify itself. */
	readonly client: string | null;
	/** The id of the process that started this server, as it is now. */
	readonly parent?: () => number;
	/** Milliseconds, by a clock that is never set. */
	readonly now?: () => number;
}

/** Milliseconds after a call of a tool for which a client that says nothing of itself counts as being at work. */
const callTime = 30 * 60_000;

/** Tells whether the client of an agent's server lives and is at work, or waits for its user's permission to go on. */
export class AtWork {
	readonly #options: Required<AtWorkOptions>;
	readonly #parent: number;
	#called = -Infinity;

	constructor(options: AtWorkOptions) {
		this.#options = {parent: () => process.ppid, now: () => performance.now(), ...options};
		this.#parent = this.#options.parent();
	}

	/** To be called when the client calls a tool. */
	onCall(): void {
		this.#called = this.#options.now();
	}

	/** A client's own word counts, then what its hooks reported, then that it has called a tool of late. */
	isAtWork(): boolean {
		const {env, parent, now} = this.#options;
		// Somebody else holds our pipes open.
		if (parent() !== this.#parent) return false;
		const status = clientStatus(env);
		if (status !== null) return status.isAlive && status.status !== 'idle';
		const isReported = this.#sessions().some(session => {
			const {working, blocked} = session.read();
			return working || blocked.length > 0;
		});
		return isReported || now() - this.#called < callTime;
	}

	#sessions(): SessionFile[] {
		const {client, state, tag} = this.#options;
		if (client === null) return sessionsBelow(state, tag, this.#parent);
		return [new SessionFile(sessionsFolder(state), client)];
	}
}
