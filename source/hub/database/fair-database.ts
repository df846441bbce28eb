import {sharedCallerOf, sharedLimit, type SharedCaller} from './shared-caller.ts';
import {DatabaseError, Runaway, type Database, type Result, type Scope, type Statement} from './database.ts';
import {pausedError, Pauses, seconds} from './pauses.ts';
import {maxIdleWait, overtimeMessage, sharedLimits, type SharedLimits} from './time-limits.ts';

export interface Capacity {
	/** Calls that run at the same time. */
	readonly atOnce: number;
	/** How many of them may belong to one caller. */
	readonly perCaller: number;
	/** Additional calls, reserved for mail and heartbeats; default 0. */
	readonly reserved?: number;
	/**
	 * How many messages (Scope.bounded) may run in place of one call, because the database shares a write to the disk among them; default
	 * 1. They start together only while nothing else is waiting.
	 */
	readonly together?: number;
	/** Resolves when the database can start on a call: the call's time is counted from then. By default, it always can. */
	readonly ready?: () => Promise<void>;
	/** For tests, in place of time-limits.ts. */
	readonly limits?: SharedLimits;
}

/** A call that is running, as `agentmux hub status` shows it. */
export interface Activity {
	readonly who: string;
	/** The beginning of its SQL. */
	readonly what: string;
	/** Milliseconds. */
	readonly running: number;
}

interface Call {
	readonly scope: Scope;
	readonly caller: SharedCaller;
	/** Its SQL; a function, because it is rarely needed. */
	readonly what: () => string;
	readonly abort: AbortController;
	/** performance.now() when it was queued. */
	readonly queued: number;
	/** performance.now() when it began. */
	begun: number;
	/** It has used up the time that its caller may have while others are waiting. */
	isDue: boolean;
	begin(): void;
	refuse(why: Error): void;
}

type Work = (signal: AbortSignal) => Promise<Result[]>;

const cancelMessage = 'canceling statement due to user request';
/** SQLSTATE query_canceled: cancelled, or timed out. */
const canceled = '57014';

/**
 * Shares a database fairly: callers take turns, so a caller who sends many calls at once delays the next caller by one call, not by
 * all of them. A request is cancelled soon when others are waiting, and an agent whose call timed out is refused for a while. Whoever
 * waits is served: nobody's call fails because of another one.
 */
export class FairDatabase implements Database {
	readonly #database: Database;
	readonly #shares: Capacity;
	readonly #limits: SharedLimits;
	/** Waiting calls by caller; the order of the keys is the order of the turns. */
	readonly #queues = new Map<string, Call[]>();
	readonly #running = new Set<Call>();
	readonly #pauses = new Pauses();
	/** Milliseconds that other calls have run since mail last did. */
	#owedToMail = 0;
	/** performance.now() when a call last ended. */
	#settled = 0;

	constructor(database: Database, shares: Capacity) {
		this.#database = database;
		this.#shares = shares;
		this.#limits = shares.limits ?? sharedLimits;
	}

	run(scope: Scope, statements: readonly Statement[], signal?: AbortSignal): Promise<Result[]> {
		const what = (): string => statements.map(({text}) => text).join('; ');
		return this.#inTurn(scope, what, signal, either => this.#database.run(scope, statements, either));
	}

	script(scope: Scope, sql: string, signal?: AbortSignal): Promise<Result[]> {
		return this.#inTurn(
			scope,
			() => sql,
			signal,
			either => this.#database.script(scope, sql, either),
		);
	}

	/** Does work that is not SQL, such as a copy, in its turn: the time of the calls that wait for it is not counted. */
	async work(scope: Scope, what: string, work: () => Promise<unknown>): Promise<void> {
		await this.#inTurn(
			scope,
			() => what,
			undefined,
			async () => {
				await work();
				return [];
			},
		);
	}

	listen(channel: string, listener: (payload: string) => void): Promise<() => Promise<void>> {
		return this.#database.listen(channel, listener);
	}

	close(): Promise<void> {
		return this.#database.close();
	}

	/** The running calls, oldest first. */
	activity(): Activity[] {
		return [...this.#running].map(activityOf);
	}

	/** Cancels the owner's running calls, and returns them. */
	cancelOwner(): Activity[] {
		const found = [...this.#running].filter(({caller}) => caller.isOwner);
		for (const {abort} of found) abort.abort(new DatabaseError(cancelMessage, canceled, 'agentmux hub cancel'));
		return found.map(activityOf);
	}

	/** Cancels what runs in those scopes, and refuses what waits for its turn there. */
	cancelCalls(isMeant: (scope: Scope) => boolean, why: Error): void {
		for (const call of [...this.#queues.values()].flat()) if (isMeant(call.scope)) call.refuse(why);
		for (const {scope, abort} of this.#running) if (isMeant(scope)) abort.abort(why);
	}

	async #inTurn(scope: Scope, what: () => string, given: AbortSignal | undefined, work: Work): Promise<Result[]> {
		const caller = sharedCallerOf(scope);
		const abort = new AbortController();
		try {
			return await this.#queued({scope, caller, what, abort}, given, () =>
				work(given === undefined ? abort.signal : AbortSignal.any([given, abort.signal])),
			);
		} catch (error) {
			if (!(error instanceof DatabaseError) || error.code !== canceled || !mayPause(caller)) throw error;
			// A client that hung up is not penalized, unless its statement could not be cancelled.
			const isRunaway = error instanceof Runaway;
			if (given?.aborted === true && !isRunaway) throw error;
			throw paused(error, this.#pauses.begin(caller.key, isRunaway));
		}
	}

	#queued(
		call: Pick<Call, 'scope' | 'caller' | 'what' | 'abort'>,
		given: AbortSignal | undefined,
		work: () => Promise<Result[]>,
	): Promise<Result[]> {
		const {key} = call.caller;
		return new Promise((resolve, reject) => {
			const refuse = (why: Error): void => {
				this.#remove(waiting);
				settle();
				reject(why);
			};
			const gone = (): void => refuse(given?.reason as Error);
			const settle = (): void => given?.removeEventListener('abort', gone);
			const begin = (): void => {
				settle();
				waiting.begun = performance.now();
				this.#running.add(waiting);
				let due: NodeJS.Timeout | undefined;
				const count = (): void => {
					if (!this.#running.has(waiting)) return;
					waiting.begun = performance.now();
					const limit = sharedLimit(call.caller, this.#limits);
					if (limit === Infinity) return;
					due = setTimeout(() => {
						waiting.isDue = true;
						this.#cancelOverdue();
					}, limit);
				};
				const result = work();
				void (this.#shares.ready?.() ?? Promise.resolve()).then(count);
				void result.then(resolve, reject).finally(() => {
					clearTimeout(due);
					this.#running.delete(waiting);
					this.#settle(waiting);
					this.#toTheEnd(key);
					this.#next();
				});
			};
			const waiting: Call = {...call, queued: performance.now(), begun: 0, isDue: false, begin, refuse};
			if (given?.aborted === true) return reject(given.reason as Error);
			given?.addEventListener('abort', gone, {once: true});
			const queue = this.#queues.get(key);
			if (queue === undefined) this.#queues.set(key, [waiting]);
			else queue.push(waiting);
			this.#next();
			this.#cancelOverdue();
		});
	}

	#next(): void {
		while (this.#startOne());
	}

	/** Starts the call whose turn it is; returns false if there is none. */
	#startOne(): boolean {
		for (const [key, queue] of this.#owedToMail > 0 ? this.#mailFirst() : this.#queues) {
			const [first] = queue;
			if (first === undefined || this.#yields(first)) continue;
			const left = this.#pauses.left(key);
			if (left > 0) for (const call of queue.slice()) call.refuse(pausedError(call.caller.name, left));
			else if (this.#joins(first.caller) || (this.#hasRoom(first.caller) && !this.#isOverShare(first.caller))) {
				this.#remove(first);
				this.#toTheEnd(key);
				first.begin();
				return true;
			}
		}
		return false;
	}

	/** Whether the call may run together with those that are running. */
	#joins({isBounded}: SharedCaller): boolean {
		const {together = 1} = this.#shares;
		if (!isBounded || this.#running.size === 0 || this.#running.size >= together) return false;
		const isShared = [...this.#running].every(({caller}) => caller.isBounded);
		return isShared && this.#firsts().every(call => call.caller.isBounded || this.#yields(call));
	}

	/** The call of each caller that is next. */
	#firsts(): Call[] {
		return [...this.#queues.values()].flatMap(([first]) => first ?? []);
	}

	/** Whether the call lets another one go first that is waiting. */
	#yields({caller, queued}: Call): boolean {
		if (!caller.isIdle || performance.now() - queued > maxIdleWait) return false;
		return this.#firsts().some(other => !other.caller.isIdle);
	}

	#mailFirst(): [string, Call[]][] {
		return [...this.#queues].toSorted(
			([, [one]], [, [other]]) => Number(other?.caller.isMail) - Number(one?.caller.isMail),
		);
	}

	/** Mail gets as much time as others have used before they get more: no matter how many they are, mail waits for one of them. */
	#settle({caller, begun}: Call): void {
		const now = performance.now();
		// The time of calls that run together is counted once.
		const took = now - (caller.isBounded ? Math.max(begun, this.#settled) : begun);
		this.#settled = now;
		const owed = this.#owedToMail + (caller.isMail ? -took : took);
		this.#owedToMail = Math.max(0, Math.min(owed, this.#limits.agents));
	}

	#remove(call: Call): void {
		const {key} = call.caller;
		const queue = (this.#queues.get(key) ?? []).filter(other => other !== call);
		if (queue.length === 0) this.#queues.delete(key);
		else this.#queues.set(key, queue);
	}

	/** Moves the caller behind all callers that are waiting now. */
	#toTheEnd(key: string): void {
		const queue = this.#queues.get(key);
		if (queue === undefined) return;
		this.#queues.delete(key);
		this.#queues.set(key, queue);
	}

	/** Mail may use any slot. Other calls may not use the reserved slots, however many of the ordinary ones mail occupies. */
	#hasRoom({isMail}: SharedCaller): boolean {
		const {atOnce, reserved = 0} = this.#shares;
		if (isMail) return this.#running.size < atOnce + reserved;
		const others = [...this.#running].filter(({caller}) => !caller.isMail).length;
		return others < atOnce && this.#running.size < atOnce + reserved;
	}

	#isOverShare({key, isSql}: SharedCaller): boolean {
		const own = [...this.#running].filter(({caller}) => caller.key === key);
		return own.length >= this.#shares.perCaller || (isSql && own.some(({caller}) => caller.isSql));
	}

	/** If anyone is waiting for a slot, cancels the requests that have used up their time. */
	#cancelOverdue(): void {
		const waits = this.#firsts().some(({caller}) => !caller.isIdle && !this.#isOverShare(caller));
		if (!waits) return;
		for (const {begun, isDue, abort} of this.#running) {
			if (!isDue) continue;
			const details = `It ran for ${seconds(performance.now() - begun)} while others waited.`;
			abort.abort(new DatabaseError(overtimeMessage, canceled, details, this.#remedy()));
		}
	}

	#remedy(): string {
		return this.#shares.atOnce > 1
			? askLess
			: `${askLess} On PostgreSQL (--database-url), others are served meanwhile.`;
	}
}

const askLess = 'Ask for less at once: page by key (id=gt.LAST), not by offset.';

/** Whether the caller is refused for a while after its call timed out: the owner and the humans are not. */
function mayPause({isCancellable, isAgent}: SharedCaller): boolean {
	return isCancellable && isAgent;
}

function activityOf({caller, what, begun}: Call): Activity {
	return {who: caller.name, what: beginning(what()), running: Math.round(performance.now() - begun)};
}

/** The same error, with a hint that the caller is paused. */
function paused({message, code, details, hint}: DatabaseError, pause: number): DatabaseError {
	const remedy = `${askLess} Further requests are refused for ${seconds(pause)}.`;
	return new DatabaseError(message, code, details ?? hint, remedy);
}

function beginning(sql: string): string {
	const line = sql.replaceAll(/\s+/g, ' ').trim();
	return line.length > 100 ? `${line.slice(0, 100)}…` : line;
}
