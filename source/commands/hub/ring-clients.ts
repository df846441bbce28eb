import {existsSync, statSync} from 'node:fs';
import type {Hub} from '../../hub/process/run.ts';
import {bellFile, flagMail, ringBell} from '../../join/hook/bell.ts';
import {forgetClient, recordedClients, type Claim} from '../../join/clients/client-owner.ts';
import {statusOfProcess} from '../../join/clients/client-status.ts';
import {foldTag, sameTag, type Tag} from '../../mailbox/tag.ts';

interface RingOptions {
	readonly state: string;
	readonly env: NodeJS.ProcessEnv;
	readonly hub: Pick<Hub, 'run'>;
	readonly log: (sentence: string) => void;
	/** Milliseconds between two looks. */
	readonly every?: number;
}

/** Milliseconds before each further ring for the same mail; the last one from then on. The agents' servers ring first. */
const pauses = [2000, 3000, 5000, 20_000, 30_000, 60_000];
/** Milliseconds between two signs of life for a client whose server is gone. */
const signInterval = 60_000;

/** Milliseconds after which a hook that reported the end of a turn has told the mailbox. */
const hookTime = 10_000;
/** An SQLSTATE. */
const insufficientPrivilege = '42501';

/** The newest message that waits for each agent that is idle. */
const waiting = `select upper(tag collate "C") as tag, (select max(id) from inbox(tag, 20, true)) as newest
	from agents where upper(tag collate "C") = any ($1) and presence = 'idle' and revoked_at is null`;

/**
 * Rings for the clients of this machine that have mail and are idle, in case an agent's server was killed or is slow, and ends the
 * sessions of clients that are dead. Returns a function that stops it.
 */
export function startRinging({every = 2000, ...options}: RingOptions): () => void {
	const ringer = new Ringer(options);
	let ended = false;
	let looking = false;
	let failing = false;
	const look = async (): Promise<void> => {
		if (looking || ended) return;
		looking = true;
		try {
			await ringer.look(performance.now());
			failing = false;
		} catch (error) {
			// The database may be away; the next look makes up for it.
			if (!failing && !ended)
				options.log(`Could not look after clients: ${error instanceof Error ? error.message : String(error)}`);
			failing = true;
		}
		looking = false;
	};
	const timer = setInterval(() => void look(), every);
	// What killed the last hub may have killed clients, too.
	void look();
	return () => {
		ended = true;
		clearInterval(timer);
	};
}

/** Looks once at a time. For tests. */
export class Ringer {
	readonly #options: Omit<RingOptions, 'every'>;
	/** By tag in upper case. */
	readonly #rung = new Map<string, {readonly newest: string; readonly rings: number; readonly due: number}>();
	/** When a client without a server was signed for last, by its key. */
	readonly #signed = new Map<string, number>();

	constructor(options: Omit<RingOptions, 'every'>) {
		this.#options = options;
	}

	async look(now: number): Promise<void> {
		const claims = recordedClients(this.#options.state);
		await this.#endDead(claims.filter(({isAlive}) => !isAlive));
		const live = claims.filter(({isAlive, interactive}) => isAlive && interactive);
		await this.#signFor(
			live.filter(({isServed}) => !isServed),
			now,
		);
		await this.#ring([...new Set(live.map(({tag}) => foldTag(tag)))], now);
	}

	async #endDead(dead: readonly Claim[]): Promise<void> {
		for (const tag of tagsOf(dead)) {
			const sessions = dead.filter(each => sameTag(each.tag, tag)).flatMap(({session}) => session ?? []);
			const text = 'select session_end(array(select jsonb_array_elements_text($1::jsonb)))';
			if (sessions.length > 0) await this.#runAs(tag, {text, values: [JSON.stringify(sessions)]});
		}
		for (const each of dead) forgetClient(each);
	}

	async #signFor(orphans: readonly Claim[], now: number): Promise<void> {
		for (const {tag, session, client} of orphans) {
			if (session === null || now - (this.#signed.get(session) ?? -Infinity) < signInterval) continue;
			this.#signed.set(session, now);
			// No hook reports that its user interrupted a turn, and the sign would keep it working.
			const text = 'select from agent_touch(p_session => $1, p_presence => $2)';
			await this.#runAs(tag, {text, values: [session, this.#hasStopped(client) ? 'idle' : null]});
		}
	}

	#hasStopped(client: Claim['client']): boolean {
		const found = client === null ? null : statusOfProcess(this.#options.env, client.pid);
		return found?.status === 'idle' && Date.now() - found.since > hookTime;
	}

	/** One that was revoked is refused, which must not keep others from their mail. */
	async #runAs(tag: Tag, statement: Parameters<Hub['run']>[0]): Promise<void> {
		await this.#options.hub.run(statement, tag).catch((error: unknown) => {
			if ((error as {readonly code?: unknown} | null)?.code !== insufficientPrivilege) throw error;
		});
	}

	async #ring(tags: readonly Tag[], now: number): Promise<void> {
		if (tags.length === 0) return;
		const rows = await this.#options.hub.run({text: waiting, values: [`{${tags.join(',')}}`]});
		for (const tag of tags) {
			// A bigint, and so a number or a text.
			const newest = rows.find(row => row['tag'] === tag)?.['newest'];
			if (typeof newest === 'string' || typeof newest === 'number') this.#ringFor(tag, String(newest), now);
			else this.#rung.delete(tag);
		}
	}

	#ringFor(tag: Tag, newest: string, now: number): void {
		const [first = 0] = pauses;
		const known = this.#rung.get(tag) ?? {newest: '', rings: 0, due: Infinity};
		// Mail that keeps coming does not put off the ring that is due.
		const {rings, due} = known.newest === newest ? known : {rings: 0, due: Math.min(known.due, now + first)};
		if (now < due) {
			this.#rung.set(tag, {newest, rings, due});
			return;
		}
		this.#rung.set(tag, {
			newest,
			rings: rings + 1,
			due: now + (pauses[Math.min(rings + 1, pauses.length - 1)] ?? 0),
		});
		const bell = bellFile(this.#options.state, tag);
		flagMail(bell, true);
		// One that is missing is watched by nobody, and the agent's server then has another way.
		if (existsSync(bell) && !wasJustRung(bell)) ringBell(bell);
	}
}

function tagsOf(claims: readonly Claim[]): Tag[] {
	return [...new Set(claims.map(({tag}) => foldTag(tag)))];
}

/** Whether the agent's server has just done it. */
function wasJustRung(bell: string): boolean {
	return Date.now() - (statSync(bell, {throwIfNoEntry: false})?.mtimeMs ?? 0) < 1000;
}
