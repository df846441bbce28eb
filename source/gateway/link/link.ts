import type {SupabaseClient} from '@supabase/supabase-js';
import {MailboxError} from '../../mailbox/error.ts';
import {BusyWatch} from './busy.ts';
import {RequestTimeout} from './request-timeout.ts';
import type {Database} from './database.types.ts';
import type {PlainRequest, Send} from './plain-client.ts';
import {refusal, strange, unreachable} from './failure.ts';
import {sqlRefusal} from './sql-refusal.ts';

/** One Supabase, and the credentials to use with it. */
export interface Target {
	/** `https://PROJECT.supabase.co`, or the hub's address. */
	readonly url: string;
	/** The `apikey`: publishable, secret, anon or service_role. */
	readonly key: string;
	/** The bearer token, when it is not the key: an agent's or a human's JWT. */
	readonly token?: string;
	/** How to reach it other than over the network. */
	readonly transport?: Transport;
}

/** Connects to one hub on this machine, whatever host an address contains. */
export interface Transport {
	/** The same for the same hub. */
	readonly name: string;
	readonly fetch: typeof fetch;
	/** A fetch that is quick to load, and connects for each request. */
	readonly ask: (address: string, init: PlainRequest) => Promise<Answer>;
	/** For Realtime with that token; loaded when it is first needed. */
	readonly webSocket: (token: string) => Promise<typeof WebSocket>;
}

/** What a request needs of the response. */
export type Answer = Pick<Response, 'status' | 'ok' | 'text'> & {readonly headers: Pick<Headers, 'get'>};

type Input = Parameters<typeof fetch>[0];
/** How requests are sent: each client has its own, and the transport changes when a hub is found again. */
type Way<R extends Answer> = (transport: Transport | undefined) => (input: Input, init: RequestInit) => Promise<R>;

export interface LinkOptions {
	/** Whether only a few requests are made, so that quick loading matters more than quick requests. Effective with a transport. */
	readonly isBrief?: boolean;
	/** The tag that a service key acts as, sent as `x-agentmux-tag`. */
	readonly actingTag?: string;
	/** Called before each attempt to reconnect: a restarted hub has another port. */
	readonly resolve?: () => Promise<Target>;
	/** Returns the bearer token for each request and heartbeat, where tokens expire; the target's then only tells the identity. */
	readonly renew?: () => Promise<string>;
	/** Milliseconds that a request may take. */
	readonly timeout: number;
	/** Receives a line about each request and each change of the connection; without secrets and contents. */
	readonly trace?: ((line: string) => void) | undefined;
}

/**
 * The connection to a server: creates clients for its current target, which are those of supabase-js. It is loaded at the first use; for
 * a few requests to a hub a PlainClient is enough, until somebody needs Realtime.
 */
export class Link {
	#target: Target;
	readonly #options: LinkOptions;
	#client: Promise<SupabaseClient<Database>> | null = null;
	#isBrief: boolean;
	#resolving: Promise<void> | null = null;
	readonly #closing = new AbortController();
	/** The statement that requests are waiting for. */
	readonly busy = new BusyWatch(() => this.#health());

	constructor(target: Target, options: LinkOptions) {
		this.#target = target;
		this.#options = options;
		this.#isBrief = options.isBrief ?? false;
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
		this.#client ??= this.#isBrief && this.#target.transport !== undefined ? this.#createPlain() : this.#create(null);
		return this.#client;
	}

	/** A separate client, for one connection to Realtime. */
	async fresh(): Promise<SupabaseClient<Database>> {
		// Who follows the mailbox makes many requests.
		if (this.#isBrief) this.#client = null;
		this.#isBrief = false;
		const {transport, token, key} = this.#target;
		const {renew} = this.#options;
		const webSocket = await transport?.webSocket((await renew?.()) ?? token ?? key);
		return this.#create(webSocket ?? null);
	}

	async #createPlain(): Promise<SupabaseClient<Database>> {
		if (this.isClosed) throw closed();
		const target = this.#target;
		const {url, key, token} = target;
		const {actingTag, renew} = this.#options;
		const {PlainClient} = await import('./plain-client.ts');
		const headers = async (): Promise<{readonly [name: string]: string}> => ({
			apikey: key,
			authorization: `Bearer ${(await renew?.()) ?? token ?? key}`,
			...(actingTag === undefined ? {} : {'x-agentmux-tag': actingTag}),
		});
		const way: Way<Answer> = transport =>
			transport === undefined ? fetch : (input, init) => transport.ask(addressOf(input), init as PlainRequest);
		const send: Send = (address, init) => this.#fetch(target, way, address, {...init});
		// It has those methods that gateway/rest uses.
		return new PlainClient(url, headers, send) as unknown as SupabaseClient<Database>;
	}

	async #create(webSocket: typeof WebSocket | null): Promise<SupabaseClient<Database>> {
		if (this.isClosed) throw closed();
		const target = this.#target;
		const {url, key, token} = target;
		const {actingTag, renew} = this.#options;
		const {createClient} = await import('@supabase/supabase-js');
		try {
			return createClient<Database>(url, key, {
				accessToken: renew ?? (async () => token ?? null),
				global: {
					headers: actingTag === undefined ? {} : {'x-agentmux-tag': actingTag},
					fetch: (input, init) => this.#fetch(target, transport => transport?.fetch ?? fetch, input, init),
				},
				...(webSocket === null ? {} : {realtime: {transport: webSocket}}),
				// Only the callers know which requests may be retried.
				db: {retry: false},
			});
		} catch (error) {
			const message = `${url} cannot be used: ${error instanceof Error ? error.message : String(error)}`;
			throw new MailboxError('invalid', message, 'Check SUPABASE_URL and the key.', {cause: error});
		}
	}

	/** Finds out where the server is now. Rejects with `offline` when that is not possible. */
	async rediscover(): Promise<void> {
		const {resolve} = this.#options;
		if (resolve === undefined || this.isClosed) return;
		this.#resolving ??= this.#follow(resolve).finally(() => {
			this.#resolving = null;
		});
		await this.#resolving;
	}

	/** The health that the local hub reports, for which it does not need its database; null for other servers. */
	async #health(): Promise<unknown> {
		const {transport, url} = this.#target;
		if (transport === undefined) return null;
		const response = await transport.fetch(`${url}/health`, {signal: AbortSignal.timeout(3000)});
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
		const {url, key, token, transport} = this.#target;
		const isSame =
			found.url === url && found.key === key && found.token === token && found.transport?.name === transport?.name;
		if (isSame) return;
		this.#target = found;
		this.#client = null;
	}

	/**
	 * After a 401, checks once whether the server has new keys or the token was renewed. A rejected request was not executed, so it
	 * can be sent again.
	 */
	async #retryWithNewKeys<R extends Answer>(
		url: string,
		way: Way<R>,
		refused: R,
		input: Input,
		init: RequestInit,
	): Promise<R> {
		const before = this.#target;
		await this.rediscover().catch(() => undefined);
		const {url: now, key, token, transport} = this.#target;
		if (this.#target === before || typeof input !== 'string' || !input.startsWith(url)) return refused;
		const headers = new Headers(init.headers);
		headers.set('apikey', key);
		headers.set('authorization', `Bearer ${(await this.#options.renew?.()) ?? token ?? key}`);
		return way(transport)(`${now}${input.slice(url.length)}`, {...init, headers: Object.fromEntries(headers)});
	}

	/** Every request has a timeout, and errors become MailboxErrors here, where status and body are known. */
	async #fetch<R extends Answer>(target: Target, way: Way<R>, input: Input, init: RequestInit = {}): Promise<R> {
		const {url} = target;
		const {timeout, trace} = this.#options;
		// Without a trace nothing is timed: `performance` would load node:perf_hooks.
		const began = trace === undefined ? 0 : performance.now();
		const traced = (response: string | number): void =>
			trace?.(`${init.method ?? 'GET'} ${pathOf(input)}: ${response} in ${(performance.now() - began).toFixed(1)} ms`);
		const closing = this.#closing.signal;
		if (closing.aborted) throw closed();
		const late = new RequestTimeout(timeout, () => this.busy.isBusy());
		try {
			const ends = [closing, late.signal, ...(init.signal ? [init.signal] : [])];
			const timed = {...init, signal: AbortSignal.any(ends)};
			this.busy.begin();
			const first = await way(target.transport)(input, timed);
			const response = first.status === 401 ? await this.#retryWithNewKeys(url, way, first, input, timed) : first;
			late.answered();
			if (response.status < 500) this.busy.answered();
			traced(response.status);
			if (!response.ok) {
				const text = await response.text();
				throw sqlRefusal(addressOf(input), text) ?? refusal(url, response.status, text);
			}
			const type = response.headers.get('content-type') ?? '';
			if (response.status === 200 && !type.includes('json')) throw strange(url, type === '' ? 'no JSON' : type);
			return response;
		} catch (error) {
			late.end();
			if (!(error instanceof MailboxError)) traced('no response');
			throw closing.aborted ? closed() : unreachable(url, error, timeout);
		}
	}
}

/** The path and the names of the parameters; without their values, which may contain what somebody wrote. */
function pathOf(input: Input): string {
	const {pathname, searchParams} = new URL(addressOf(input));
	const names = [...new Set(searchParams.keys())];
	return names.length === 0 ? pathname : `${pathname}?${names.join('&')}`;
}

function addressOf(input: Input): string {
	// Asked first: naming Request would load undici.
	if (typeof input === 'string') return input;
	return input instanceof Request ? input.url : input.href;
}

function closed(): MailboxError {
	return new MailboxError('offline', 'This mailbox is closed.');
}
