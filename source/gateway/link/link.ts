import type {SupabaseClient} from '@supabase/supabase-js';
import {MailboxError} from '../../mailbox/error.ts';
import {BusyWatch} from './busy.ts';
import type {Database} from './database.types.ts';
import {refusal, strange, unreachable} from './failure.ts';
import {sqlRefusal} from './sql-refusal.ts';

/** One Supabase, and as whom to speak to it. */
export interface Target {
	/** `https://PROJECT.supabase.co`, or the hub's address. */
	readonly url: string;
	/** The `apikey`: publishable, secret, anon or service_role. */
	readonly key: string;
	/** The bearer, when it is not the key: an agent's or a human's JWT. */
	readonly token?: string;
	/** How it is reached, where not by the network. */
	readonly way?: Way;
}

/** Speaks to one hub of this machine, whatever host the addresses name. */
export interface Way {
	/** The same for the same hub. */
	readonly name: string;
	readonly fetch: typeof fetch;
	/** For the Realtime of whoever holds the token; loaded when it is first needed. */
	readonly webSocket: (token: string) => Promise<typeof WebSocket>;
}

export interface LinkOptions {
	/** Sent as `x-agentmux-tag`: whom a service key acts as. */
	readonly actingTag?: string;
	/** Asked before each attempt to connect again: a hub comes back under another port. */
	readonly resolve?: () => Promise<Target>;
	/** Asked for the bearer before each request and heartbeat, where tokens run out; the target's is for the first look then. */
	readonly renew?: () => Promise<string>;
	/** Milliseconds that a request may take. */
	readonly timeout: number;
	/** Is given a line about each request and each change of the connection; no secrets, no contents. */
	readonly trace?: ((line: string) => void) | undefined;
}

/** The way to the other end: makes supabase-js clients for wherever it is now. supabase-js is loaded at the first use. */
export class Link {
	#target: Target;
	readonly #options: LinkOptions;
	#client: Promise<SupabaseClient<Database>> | null = null;
	#resolving: Promise<void> | null = null;
	readonly #closing = new AbortController();
	/** What requests wait for. */
	readonly busy = new BusyWatch(() => this.#health());

	constructor(target: Target, options: LinkOptions) {
		this.#target = target;
		this.#options = options;
	}

	get target(): Target {
		return this.#target;
	}

	/** Milliseconds that a request may take. */
	get timeout(): number {
		return this.#options.timeout;
	}

	get trace(): LinkOptions['trace'] {
		return this.#options.trace;
	}

	get isClosed(): boolean {
		return this.#closing.signal.aborted;
	}

	/** The client that all requests share. */
	client(): Promise<SupabaseClient<Database>> {
		this.#client ??= this.#create(null);
		return this.#client;
	}

	/** A client of its own, for one connection to Realtime. */
	async fresh(): Promise<SupabaseClient<Database>> {
		const {way, token, key} = this.#target;
		const {renew} = this.#options;
		const webSocket = await way?.webSocket((await renew?.()) ?? token ?? key);
		return this.#create(webSocket ?? null);
	}

	async #create(webSocket: typeof WebSocket | null): Promise<SupabaseClient<Database>> {
		if (this.isClosed) throw closed();
		const {url, key, token, way} = this.#target;
		const {actingTag, renew} = this.#options;
		const {createClient} = await import('@supabase/supabase-js');
		try {
			return createClient<Database>(url, key, {
				accessToken: renew ?? (async () => token ?? null),
				global: {
					headers: actingTag === undefined ? {} : {'x-agentmux-tag': actingTag},
					fetch: (input, init) => this.#fetch(url, way?.fetch ?? fetch, input, init),
				},
				...(webSocket === null ? {} : {realtime: {transport: webSocket}}),
				// Only this house knows what may be tried again.
				db: {retry: false},
			});
		} catch (error) {
			const message = `${url} cannot be used: ${error instanceof Error ? error.message : String(error)}`;
			throw new MailboxError('invalid', message, 'Check SUPABASE_URL and the key.', {cause: error});
		}
	}

	/** Asks where the other end is now. Rejects with `offline` when that is not to be found out. */
	async rediscover(): Promise<void> {
		const {resolve} = this.#options;
		if (resolve === undefined || this.isClosed) return;
		this.#resolving ??= this.#follow(resolve).finally(() => {
			this.#resolving = null;
		});
		await this.#resolving;
	}

	/** What the hub of this machine says of itself, which takes no database; null where something else answers. */
	async #health(): Promise<unknown> {
		const {way, url} = this.#target;
		if (way === undefined) return null;
		const response = await way.fetch(`${url}/health`, {signal: AbortSignal.timeout(3000)});
		return response.ok ? await response.json() : null;
	}

	close(): void {
		this.#closing.abort();
	}

	async #follow(resolve: () => Promise<Target>): Promise<void> {
		let found: Target;
		try {
			found = await resolve();
		} catch (error) {
			if (error instanceof MailboxError) throw error;
			throw new MailboxError('offline', `${this.#target.url} is gone.`, '', {cause: error});
		}
		const {url, key, token, way} = this.#target;
		const isSame = found.url === url && found.key === key && found.token === token && found.way?.name === way?.name;
		if (isSame) return;
		this.#target = found;
		this.#client = null;
	}

	/**
	 * Who is refused looks once whether the other end has new keys, or its token a successor: a request that was refused was not
	 * carried out, and may be made again.
	 */
	async #again(
		url: string,
		refused: Response,
		input: Parameters<typeof fetch>[0],
		init: RequestInit,
	): Promise<Response> {
		const before = this.#target;
		await this.rediscover().catch(() => undefined);
		const {url: now, key, token, way} = this.#target;
		if (this.#target === before || typeof input !== 'string' || !input.startsWith(url)) return refused;
		const headers = new Headers(init.headers);
		headers.set('apikey', key);
		headers.set('authorization', `Bearer ${(await this.#options.renew?.()) ?? token ?? key}`);
		return (way?.fetch ?? fetch)(`${now}${input.slice(url.length)}`, {...init, headers});
	}

	/** Every request ends in time, and what is wrong becomes a MailboxError here, where status and body are known. */
	async #fetch(
		url: string,
		send: typeof fetch,
		input: Parameters<typeof fetch>[0],
		init: RequestInit = {},
	): Promise<Response> {
		const {timeout, trace} = this.#options;
		const began = performance.now();
		const tell = (answer: string | number): void =>
			trace?.(`${init.method ?? 'GET'} ${pathOf(input)}: ${answer} in ${(performance.now() - began).toFixed(1)} ms`);
		const closing = this.#closing.signal;
		if (closing.aborted) throw closed();
		try {
			const ends = [closing, AbortSignal.timeout(timeout), ...(init.signal ? [init.signal] : [])];
			const timed = {...init, signal: AbortSignal.any(ends)};
			this.busy.begin();
			const first = await send(input, timed);
			const response = first.status === 401 ? await this.#again(url, first, input, timed) : first;
			if (response.status < 500) this.busy.answered();
			tell(response.status);
			if (!response.ok) {
				const text = await response.text();
				throw sqlRefusal(addressOf(input), text) ?? refusal(url, response.status, text);
			}
			const type = response.headers.get('content-type') ?? '';
			if (response.status === 200 && !type.includes('json')) throw strange(url, type === '' ? 'no JSON' : type);
			return response;
		} catch (error) {
			if (!(error instanceof MailboxError)) tell('no answer');
			throw closing.aborted ? closed() : unreachable(url, error, timeout);
		}
	}
}

/** Without its values, which may be anybody's words. */
function pathOf(input: Parameters<typeof fetch>[0]): string {
	const {pathname, searchParams} = new URL(addressOf(input));
	const names = [...new Set(searchParams.keys())];
	return names.length === 0 ? pathname : `${pathname}?${names.join('&')}`;
}

function addressOf(input: Parameters<typeof fetch>[0]): string {
	return input instanceof Request ? input.url : String(input);
}

function closed(): MailboxError {
	return new MailboxError('offline', 'This mailbox is closed.');
}
