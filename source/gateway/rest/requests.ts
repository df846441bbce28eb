import {setTimeout as sleep} from 'node:timers/promises';
import type {SupabaseClient} from '@supabase/supabase-js';
import {MailboxError} from '../../mailbox/error.ts';
import type {Database} from '../link/database.types.ts';
import {neverArrived, strange, unreachable} from '../link/failure.ts';
import type {Link} from '../link/link.ts';
import {rows, type Reader} from './columns.ts';

/** A request by supabase-js: returns a query builder. */
export type Request = (client: SupabaseClient<Database>) => {
	throwOnError(): PromiseLike<{readonly data: unknown}>;
};

type Functions = Database['public']['Functions'];
type Sent<Value> = Value extends readonly (infer Item)[] ? readonly Item[] : Value;

/** The arguments of a function of the database. Null stands for an optional argument that is not given. */
export type Arguments<Name extends keyof Functions> = {
	readonly [Key in keyof Functions[Name]['Args']]: undefined extends Functions[Name]['Args'][Key]
		? Sent<Functions[Name]['Args'][Key]> | null
		: Sent<Functions[Name]['Args'][Key]>;
};

export interface RequestOptions {
	/** Whether the request has the same effect if it is made twice; default true. */
	readonly twice?: boolean;
	/** Milliseconds before each further attempt. */
	readonly pauses?: readonly number[];
	/** After it is aborted, the request is not tried again. */
	readonly signal?: AbortSignal;
}

/** Milliseconds. */
const lackingFor = 600_000;

/** Makes requests over a link, and makes those again that did not get through. */
export class Requests {
	readonly #link: Link;
	/** Functions that the database did not have, and until when they are not called (performance.now()). */
	readonly #lacking = new Map<keyof Functions, number>();

	constructor(link: Link) {
		this.#link = link;
	}

	/**
	 * Makes a request and resolves with its data. If it did not get through, it is made again after each pause, at the current
	 * address of the other end, provided that it can be made twice or cannot have arrived. Rejects with MailboxError.
	 */
	async request(request: Request, {twice = true, pauses = [100], signal}: RequestOptions = {}): Promise<unknown> {
		for (let attempt = 0; ; attempt++) {
			try {
				const client = await this.#link.client();
				return (await request(client).throwOnError()).data;
			} catch (error) {
				const failure = this.#failureOf(error);
				const pause = pauses[attempt];
				const isOver = this.#link.isClosed || signal?.aborted === true;
				const again = failure.code === 'offline' && !isOver && (twice || neverArrived(failure));
				if (!again || pause === undefined) throw failure;
				await sleep(pause);
				await this.#link.rediscover();
			}
		}
	}

	/** Calls a function of the database, such as `messages_since`. */
	rpc<Name extends keyof Functions>(name: Name, args: Arguments<Name>, options?: RequestOptions): Promise<unknown> {
		// The generated types only accept one function at a time.
		return this.request(client => (client as SupabaseClient).rpc(name, args), options);
	}

	/**
	 * What `ask` resolves with, or `otherwise` where the database lacks the function that it calls: it is of an earlier version. It may be
	 * updated meanwhile, so it is asked again after a while.
	 */
	async newer<T>(name: keyof Functions, ask: () => Promise<T>, otherwise: () => Promise<T>): Promise<T> {
		const until = this.#lacking.get(name);
		// `performance` would load node:perf_hooks, and most databases lack nothing.
		if (until !== undefined && performance.now() < until) return otherwise();
		try {
			return await ask();
		} catch (error) {
			if (!(error instanceof MailboxError) || error.code !== 'schema') throw error;
			this.#lacking.set(name, performance.now() + lackingFor);
			return otherwise();
		}
	}

	/** Reads rows of a table. A caller who may not read gets none and no error, so without rows the database is asked for the reason. */
	async table<T>(read: Reader<T>, request: Request): Promise<T[]> {
		const found = rows(read, await this.request(request));
		if (found.length === 0) await this.rpc('mux_guard', {});
		return found;
	}

	#failureOf(error: unknown): MailboxError {
		if (error instanceof MailboxError) return error;
		const {url} = this.#link.target;
		// The response was cut off or is not JSON, which fetch does not notice.
		const isGarbled = error instanceof Error && ['PostgrestError', 'SyntaxError'].includes(error.name);
		if (isGarbled) return strange(url, error.message);
		return unreachable(url, error, this.#link.timeout);
	}
}
