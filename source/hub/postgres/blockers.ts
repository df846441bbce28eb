import {DatabaseError, type Scope} from '../database/database.ts';
import {sharedCallerOf, sharedLimit} from '../database/shared-caller.ts';
import {seconds} from '../database/pauses.ts';
import {overtimeMessage} from '../database/time-limits.ts';
import {readSql} from '../files/read-sql.ts';
import {markedTag} from './runaways.ts';
import type {SideConnection} from './side-connection.ts';

/** Milliseconds between two checks of the locks, while a call takes long. */
const between = 500;

/** A call that is running on a connection. */
export interface RunningCall {
	/** The server's process for the connection. */
	readonly process: number;
	readonly scope: Scope;
	/** performance.now() when it began. */
	readonly begun: number;
	/** The holder of the lock that it is waiting for, as last seen; null if it is not waiting. */
	blocker: Blocker | null;
	cancel(why: Error): void;
}

export interface Blocker {
	readonly process: number;
	readonly user: string | null;
	readonly program: string | null;
	/** Milliseconds since its transaction began. */
	readonly running: number;
	/** The beginning of its last statement; null if the server does not show it. */
	readonly query: string | null;
}

// A server hides the details of other users' sessions, but shows all locks. pg_blocking_pids also lists processes that are ahead in the
// queue for a lock; they are waiting themselves, and have rows of their own here.
const pairs = readSql(new URL('blockers.sql', import.meta.url));

/**
 * Looks after the locks: says of each call that waits for one who holds it, cancels a request that
 * has run for long enough while anybody waits for it, and cancels what it is told to.
 */
export class PostgresBlockers {
	readonly #side: SideConnection;
	readonly #calls = new Set<RunningCall>();
	readonly #onBlocked: (sentence: string) => void;
	#timer: NodeJS.Timeout | undefined;
	#isClosed = false;

	/** `onBlocked` hears once of each call that waits for a lock. */
	constructor(side: SideConnection, onBlocked: (sentence: string) => void) {
		this.#side = side;
		this.#onBlocked = onBlocked;
	}

	/** Watches a call. Returns a function to call when it has ended. */
	watch(call: RunningCall): () => void {
		this.#calls.add(call);
		this.#schedule();
		return () => this.#calls.delete(call);
	}

	/** Cancels the statement of a process. If the server cannot be reached, nothing is cancelled, but its own limits still apply. */
	async cancel(process: number): Promise<void> {
		await this.#side.ask('select pg_cancel_backend($1)', [process]);
	}

	close(): void {
		this.#isClosed = true;
		clearTimeout(this.#timer);
	}

	#schedule(): void {
		if (this.#timer !== undefined || this.#isClosed) return;
		this.#timer = setTimeout(() => {
			void this.#look().finally(() => {
				this.#timer = undefined;
				if (this.#calls.size > 0) this.#schedule();
			});
		}, between);
		this.#timer.unref();
	}

	async #look(): Promise<void> {
		const now = performance.now();
		const old = [...this.#calls].filter(({begun}) => now - begun > between);
		if (old.length === 0) return;
		const rows = (await this.#side.ask<Pair>(pairs)) ?? [];
		for (const call of old) {
			// It has ended meanwhile, and its process may be running another call.
			if (!this.#calls.has(call)) continue;
			const {process, scope, begun} = call;
			const blocker = rootOf(process, rows);
			if (blocker !== null && call.blocker === null) this.#onBlocked(sentence(scope, blocker));
			call.blocker = blocker;
			// A call that is waiting itself does not block others: the holder of its lock does.
			const holdsUp = blocker === null && rows.some(row => row.process === process);
			if (holdsUp && now - begun >= sharedLimit(sharedCallerOf(scope))) {
				call.cancel(
					new DatabaseError(
						overtimeMessage,
						'57014',
						`It ran for ${seconds(now - begun)} while others waited for its locks.`,
					),
				);
			}
		}
	}
}

type Pair = Blocker & {readonly waiting: number};

/** The process at the end of the chain of locks for which `process` is waiting; null if it is not waiting. */
function rootOf(process: number, pairs: readonly Pair[]): Blocker | null {
	let found: Pair | null = null;
	// At most as many steps as there are pairs, because a deadlock is circular.
	for (const _ of pairs) {
		const waiting: number = found?.process ?? process;
		const next = pairs.find(pair => pair.waiting === waiting);
		if (next === undefined) break;
		found = next;
	}
	return found;
}

/** For the details of a lock timeout. Only the owner may see the statement. */
export function describeBlocker({role}: Scope, blocker: Blocker): string {
	const isOwner = role === 'postgres' || role === 'service_role';
	const what = isOwner && blocker.query ? `: ${blocker.query.replaceAll(/\s+/g, ' ').trim()}` : '';
	return `${held(blocker)}${what}`;
}

/** For the log; without SQL, which may contain a password. */
function sentence(scope: Scope, blocker: Blocker): string {
	return `A statement of ${sharedCallerOf(scope).name} waits for a lock. ${held(blocker)}`;
}

function held({process, user, program, running, query}: Blocker): string {
	const tag = markedTag(query);
	const who = [
		`process ${process}`,
		...(user === null ? [] : [`user ${user}`]),
		...(program ? [program] : []),
		...(tag === null ? [] : [`SQL of ${tag}`]),
	];
	return `The lock is held by ${who.join(', ')}, whose transaction has run for ${seconds(running)}`;
}
