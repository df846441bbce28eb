import {existsSync} from 'node:fs';
import {createBell, flagMail, ringBell} from '../../join/hook/bell.ts';
import {SessionFile} from '../../join/hook/hook-session.ts';
import {wakeText} from '../../join/hook/mail-text.ts';
import {missedFile, readMissed, type Missed} from '../../join/hook/missed.ts';
import {clientSocket, sendPrompt} from '../../join/clients/client-socket.ts';
import {clientStatus} from '../../join/clients/client-status.ts';
import {Turn} from '../../join/clients/turn.ts';
import {startWaker, type Way, type Waker} from '../../join/waker.ts';
import type {Agent, AgentUpdate, Presence, Wake} from '../../mailbox/agent.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {Tag} from '../../mailbox/tag.ts';

interface ClientWatchOptions {
	readonly env: NodeJS.ProcessEnv;
	readonly tag: Tag;
	/** The client's key. */
	readonly client: string;
	readonly bell: string;
	/** The folder in which hooks keep what they remember. */
	readonly hooks: string;
	/** Seconds for which the client is not woken after its user interrupted it. */
	readonly quiet: () => number;
	readonly mailbox: () => Promise<Mailbox>;
	/** Reports the client's state to the mailbox, with how it can be woken. */
	readonly sign: (update: Pick<AgentUpdate, 'presence' | 'quiet'>) => Promise<void>;
	/** Puts back what the client's hooks need of our own files, if somebody has removed it: without it they do nothing, silently. */
	readonly restore: () => void;
	/** Called with errors. */
	readonly say: (error: unknown) => void;
	/** Called with the number of messages that wait for the client, after each check. */
	readonly onWaiting: (count: number) => void;
	/** Called when the client cannot be woken any more. */
	readonly onUnreachable: () => void;
}

/** Milliseconds between two looks at what hooks missed. */
const lookInterval = 1500;
/** How many notes of hooks are kept while the mailbox is away; the newest. */
const maxMissed = 100;
/** Milliseconds after the first request by which a hook must have run, if the client runs hooks at all. */
const hookTimeout = 15_000;

/**
 * What an agent's server does for the client that started it: wakes it, and makes good for what its hooks could not report, or do not
 * run for: a turn that its user interrupted, a busy machine, settings that forbid hooks.
 */
export class ClientWatch {
	readonly #options: ClientWatchOptions;
	readonly #session: SessionFile;
	readonly #turn: Turn;
	readonly #look: NodeJS.Timeout;
	#ways: readonly Way[];
	/** The way that the waker uses. */
	#way: Wake | 'none';
	#waker: Waker | null = null;
	#wake: Wake | 'none';
	#waiting = 0;
	/** What hooks missed and was not made good for, because the mailbox was away. */
	#missed: readonly Missed[] = [];
	#mending = false;
	#hooksRun = true;
	#ended = false;
	#hookTimer: NodeJS.Timeout | null = null;

	constructor(options: ClientWatchOptions) {
		const {env, client, hooks, bell, say} = options;
		this.#options = options;
		this.#session = new SessionFile(hooks, client);
		this.#ways = this.#waysTo();
		this.#way = this.#ways[0]?.name ?? 'none';
		this.#wake = this.#way;
		this.#turn = new Turn({
			status: () => clientStatus(env),
			isOpen: () => this.#session.read().working,
			onEnd: interrupted => void this.#onTurnEnd(interrupted).catch(say),
		});
		const notes = missedFile(bell, client);
		this.#look = setInterval(() => {
			this.#missed = [...this.#missed, ...readMissed(notes)].slice(-maxMissed);
			void this.#mend();
			if (!this.#hooksRun && this.#session.exists()) this.#onHooks(true);
		}, lookInterval);
	}

	/** How the client can be woken. */
	get wake(): Wake | 'none' {
		return this.#wake;
	}

	/** A line for the answers of tools if no hook hands mail over; null if hooks do, or there is none. */
	get note(): string | null {
		if (this.#hooksRun || this.#waiting === 0) return null;
		return `${this.#waiting} new ${this.#waiting === 1 ? 'message' : 'messages'}: check_messages.`;
	}

	/** To be called once the mailbox knows the client. */
	start(mailbox: Mailbox, {onAgent, onReturn}: {onAgent: (agent: Agent) => void; onReturn: () => void}): void {
		const {tag, bell, env, say} = this.#options;
		if (this.#waker !== null || this.#ended) return;
		createBell(bell);
		this.#waker = startWaker({
			mailbox,
			tag,
			ways: this.#ways,
			onReturn,
			onAgent(agent) {
				onAgent(agent);
			},
			onChange: now => this.#onChange(now),
			onWaiting: count => {
				this.#waiting = count;
				flagMail(bell, count > 0);
				if (count > 0) this.#options.restore();
				this.#options.onWaiting(count);
			},
			// A client that reports no status may have been interrupted.
			onStalled: () => {
				if (clientStatus(env) === null) this.#options.sign({presence: 'idle'}).catch(say);
			},
		});
	}

	onAgent(agent: Agent): void {
		this.#turn.follow(agent.presence === 'working' || agent.presence === 'blocked');
	}

	/** To be called when the client makes its first request. */
	onRequest(): void {
		this.#hookTimer ??= setTimeout(() => {
			if (!this.#session.exists()) this.#onHooks(false);
		}, hookTimeout);
	}

	end(): void {
		this.#ended = true;
		clearInterval(this.#look);
		if (this.#hookTimer !== null) clearTimeout(this.#hookTimer);
		this.#turn.end();
		this.#waker?.end();
	}

	/** The first hook of a busy machine may come late, and a cleaner may have removed what it left. */
	#onHooks(run: boolean): void {
		this.#hooksRun = run;
		this.#onChange(this.#way);
	}

	#onChange(now: Wake | 'none'): void {
		this.#way = now;
		// Without hooks, nobody would hand mail over to a client that was woken.
		const wake = this.#hooksRun ? now : 'none';
		if (wake === this.#wake) return;
		this.#wake = wake;
		if (wake === 'none') this.#options.onUnreachable();
		this.#options.sign({}).catch(this.#options.say);
	}

	/** After an interruption, the client is left in peace, and what it was handed and has not read is given back. */
	async #onTurnEnd(interrupted: boolean): Promise<void> {
		const {client, mailbox, sign, quiet} = this.#options;
		if (!interrupted) return sign({presence: 'idle'});
		const seconds = quiet();
		await sign({presence: 'idle', quiet: seconds});
		await (await mailbox()).giveBack(client);
		this.#waker?.look(seconds * 1000 + 500);
	}

	/** Makes good for what hooks missed. While the mailbox is away, that waits for the next look. */
	async #mend(): Promise<void> {
		const missed = this.#missed;
		if (missed.length === 0 || this.#mending || this.#ended) return;
		this.#mending = true;
		try {
			await this.#report(missed);
			this.#missed = this.#missed.filter(each => !missed.includes(each));
		} catch {
			// The mailbox's own errors are reported where it is opened.
		}
		this.#mending = false;
	}

	/** Reports what hooks had no time for, and rings. */
	async #report(missed: readonly Missed[]): Promise<void> {
		const {client, mailbox, env, sign} = this.#options;
		const open = await mailbox();
		for (const {take} of missed) if (take !== undefined) await open.release(take);
		const last = missed.at(-1)?.event;
		if (missed.some(({event}) => event === 'StopFailure' || event === 'SessionEnd')) await open.giveBack(client);
		else if (last === 'Stop') await open.endTurn(client);
		const presence = presenceOf(clientStatus(env)?.status) ?? presenceAfter(last);
		await sign(presence === null ? {} : {presence});
		this.#waker?.look();
	}

	/** The file that its hooks watch, then its own socket. */
	#waysTo(): Way[] {
		const {env, tag, bell, client, mailbox} = this.#options;
		const socket = clientSocket(env);
		const notices = new Map<number, number>();
		const bySocket = async (): Promise<boolean> => {
			if (socket === null) return false;
			const mail = await (await mailbox()).wake(client);
			const newest = mail.at(-1);
			if (newest === undefined) return false;
			const notice = (notices.get(newest.id) ?? 0) + 1;
			notices.clear();
			notices.set(newest.id, notice);
			await sendPrompt(socket, wakeText(tag, mail, notice));
			return true;
		};
		const byBell = async (): Promise<boolean> => {
			// Somebody's cleaner has removed it. The client does not watch the one that would be created now.
			if (!existsSync(bell)) throw new Error('The bell is gone.');
			ringBell(bell);
			return true;
		};
		return [{name: 'bell', ring: byBell}, ...(socket === null ? [] : [{name: 'socket', ring: bySocket} as const])];
	}
}

/** What a client's own status means. */
function presenceOf(status: string | undefined): Presence | null {
	if (status === 'busy') return 'working';
	if (status === 'waiting') return 'blocked';
	return status === 'idle' ? 'idle' : null;
}

/** What an event means for a client that reports no status. */
function presenceAfter(event: string | undefined): Presence | null {
	if (event === 'UserPromptSubmit') return 'working';
	return event === 'Stop' || event === 'StopFailure' || event === 'SessionStart' ? 'idle' : null;
}
