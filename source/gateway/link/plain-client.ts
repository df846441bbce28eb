/** Sends a request; rejects unless the answer is a success. */
export type Send = (address: string, init: PlainRequest) => Promise<{text(): Promise<string>}>;

export interface PlainRequest {
	readonly method: 'GET' | 'POST';
	readonly headers: {readonly [name: string]: string};
	readonly body?: string;
	readonly signal?: AbortSignal | null;
}

/** Of PostgREST: they have a meaning in a list of values, which is then quoted. */
const reserved = /[,()]/;

/**
 * The requests of supabase-js that gateway/rest makes, and no others, for programs that ask one thing and end: supabase-js and fetch take
 * longer to load than everything else in such a program. test/gateway/plain-client.test.ts compares the two.
 */
export class PlainClient {
	readonly #url: string;
	readonly #headers: () => Promise<{readonly [name: string]: string}>;
	readonly #send: Send;

	constructor(url: string, headers: () => Promise<{readonly [name: string]: string}>, send: Send) {
		this.#url = url.replace(/\/+$/, '');
		this.#headers = headers;
		this.#send = send;
	}

	from(table: string): PlainQuery {
		return new PlainQuery(new URL(`${this.#url}/rest/v1/${table}`), this.#headers, this.#send);
	}

	rpc(name: string, args: object = {}): PlainQuery {
		return new PlainQuery(new URL(`${this.#url}/rest/v1/rpc/${name}`), this.#headers, this.#send, args);
	}
}

/** One request that is being put together, as by supabase-js. */
class PlainQuery {
	readonly #url: URL;
	readonly #headers: () => Promise<{readonly [name: string]: string}>;
	readonly #send: Send;
	readonly #prefer: string[] = [];
	#body: object | undefined;
	#signal: AbortSignal | undefined;

	constructor(url: URL, headers: () => Promise<{readonly [name: string]: string}>, send: Send, body?: object) {
		this.#url = url;
		this.#headers = headers;
		this.#send = send;
		this.#body = body;
	}

	select(columns = '*'): this {
		if (this.#body !== undefined) this.#prefer.push('return=representation');
		this.#url.searchParams.set('select', columns);
		return this;
	}

	upsert(row: object, {onConflict, ignoreDuplicates}: {onConflict: string; ignoreDuplicates: boolean}): this {
		this.#body = row;
		this.#prefer.push(`resolution=${ignoreDuplicates ? 'ignore' : 'merge'}-duplicates`);
		this.#url.searchParams.set('on_conflict', onConflict);
		return this;
	}

	eq(column: string, value: unknown): this {
		return this.#where(column, `eq.${String(value)}`);
	}

	lt(column: string, value: unknown): this {
		return this.#where(column, `lt.${String(value)}`);
	}

	lte(column: string, value: unknown): this {
		return this.#where(column, `lte.${String(value)}`);
	}

	gt(column: string, value: unknown): this {
		return this.#where(column, `gt.${String(value)}`);
	}

	gte(column: string, value: unknown): this {
		return this.#where(column, `gte.${String(value)}`);
	}

	ilike(column: string, pattern: string): this {
		return this.#where(column, `ilike.${pattern}`);
	}

	in(column: string, values: readonly unknown[]): this {
		const listed = [...new Set(values)].map(value =>
			typeof value === 'string' && reserved.test(value) ? `"${value}"` : String(value),
		);
		return this.#where(column, `in.(${listed.join(',')})`);
	}

	or(filters: string): this {
		return this.#where('or', `(${filters})`);
	}

	order(column: string, {ascending = true}: {ascending?: boolean} = {}): this {
		const {searchParams} = this.#url;
		const before = searchParams.get('order');
		searchParams.set('order', `${before === null ? '' : `${before},`}${column}.${ascending ? 'asc' : 'desc'}`);
		return this;
	}

	limit(rows: number): this {
		this.#url.searchParams.set('limit', String(rows));
		return this;
	}

	abortSignal(signal: AbortSignal): this {
		this.#signal = signal;
		return this;
	}

	/** Makes the request. Rejects as the client's `send` does, and with SyntaxError for an answer that is not JSON. */
	async throwOnError(): Promise<{readonly data: unknown}> {
		const response = await this.#send(this.#url.href, {
			method: this.#body === undefined ? 'GET' : 'POST',
			headers: {
				...(await this.#headers()),
				...(this.#body === undefined ? {} : {'content-type': 'application/json'}),
				...(this.#prefer.length === 0 ? {} : {prefer: this.#prefer.join(', ')}),
			},
			...(this.#body === undefined ? {} : {body: JSON.stringify(this.#body)}),
			...(this.#signal === undefined ? {} : {signal: this.#signal}),
		});
		const text = await response.text();
		return {data: text === '' ? null : (JSON.parse(text) as unknown)};
	}

	#where(name: string, condition: string): this {
		this.#url.searchParams.append(name, condition);
		return this;
	}
}
