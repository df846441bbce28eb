import {setTimeout as sleep} from 'node:timers/promises';
import type {SupabaseClient} from '@supabase/supabase-js';
import {MailboxError} from '../../mailbox/error.ts';
import type {Database} from '../link/database.types.ts';
import {neverArrived, strange, unreachable} from '../link/failure.ts';
import type {Link} from '../link/link.ts';
import {rows, type Reader} from './rows.ts';

/** One request to supabase-js: a query builder, or anything else that it answers with. */
export type Request = (client: SupabaseClient<Database>) => {
	throwOnError(): PromiseLike<{readonly data: unknown}>;
};

type Functions = Database['public']['Functions'];
type Sent<Value> = Value extends readonly (infer Item)[] ? readonly Item[] : Value;

/** What a function of the database takes. Null is what SQL calls it, where there is a default: often that very default. */
export type Arguments<Name extends keyof Functions> = {
	readonly [Key in keyof Functions[Name]['Args']]: undefined extends Functions[Name]['Args'][Key]
		? Sent<Functions[Name]['Args'][Key]> | null
		: Sent<Functions[Name]['Args'][Key]>;
};

export interface RequestOptions {
	/** Nothing comes of doing it twice. */
	readonly twice?: boolean;
	/** Milliseconds before each further attempt. */
	readonly pauses?: readonly number[];
	/** Nobody waits for it any more: it is not tried again. */
	readonly signal?: AbortSignal;
}

/** Makes requests over a link, and makes those again that did not get through. */
export class Requests {
	readonly #link: Link;

	constructor(link: Link) {
		this.#link = link;
	}

	/**
	 * Makes a request and resolves with its data. One that did not get through is made again after each pause, at
	 * wherever the other end is then: when nothing comes of doing it twice, or when it cannot have arrived.
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

	/** A function of the database: `messages_since` and the like. */
	rpc<Name extends keyof Functions>(name: Name, args: Arguments<Name>, options?: RequestOptions): Promise<unknown> {
		// Its own types know one function at a time.
		return this.request(client => (client as SupabaseClient).rpc(name, args), options);
	}

	/** Rows of a table. Whoever may not read gets none, without a word: then the database is asked whether that is why. */
	async table<T>(read: Reader<T>, request: Request): Promise<T[]> {
		const found = rows(read, await this.request(request));
		if (found.length === 0) await this.rpc('mux_guard', {});
		return found;
	}

	#failureOf(error: unknown): MailboxError {
		if (error instanceof MailboxError) return error;
		const {url} = this.#link.target;
		// The answer was cut off, or no JSON: what fetch itself cannot see.
		if (error instanceof Error && error.name === 'PostgrestError') return strange(url, error.message);
		return unreachable(url, error, this.#link.timeout);
	}
}
