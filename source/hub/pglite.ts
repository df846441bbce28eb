import {PGlite, type PGliteOptions, types} from '@electric-sql/pglite';
import {DatabaseError, type Database, type Result, type Scope, type Statement} from './database.ts';

// Only these come back parsed; everything else keeps PostgreSQL's own text, so that no digit of a bigint is lost.
const parsed = new Set<number>([types.BOOL, types.INT2, types.INT4, types.FLOAT4, types.FLOAT8]);
const asText = Object.fromEntries(
	Object.values(types)
		.filter(oid => typeof oid === 'number' && !parsed.has(oid))
		.map(oid => [oid, (text: string) => text]),
);

// PGlite's own serializers refuse text for these two; the server's message and SQLSTATE are what a caller must see.
const asGiven = {[types.BOOL]: String, [types.BYTEA]: String};

/** The Database port on PGlite, in this thread. One session: `runExclusive` is the queue that everyone waits in. */
export class PgliteDatabase implements Database {
	readonly #pglite: PGlite;

	private constructor(pglite: PGlite) {
		this.#pglite = pglite;
	}

	static async open(options: PGliteOptions): Promise<PgliteDatabase> {
		return new PgliteDatabase(await PGlite.create({...options, serializers: asGiven}));
	}

	run(scope: Scope, statements: readonly Statement[]): Promise<Result[]> {
		return this.#translate(() =>
			this.#pglite.transaction(async transaction => {
				for (const {text, values} of scopeStatements(scope)) await transaction.query(text, [...(values ?? [])]);
				const results: Result[] = [];
				for (const {text, values} of statements) {
					const {rows, fields, affectedRows} = await transaction.query<Record<string, unknown>>(
						text,
						[...(values ?? [])],
						{
							parsers: asText,
						},
					);
					results.push({rows, fields, count: affectedRows ?? rows.length});
				}
				return results;
			}),
		);
	}

	script(scope: Scope, sql: string): Promise<Result[]> {
		return this.#translate(() =>
			this.#pglite.runExclusive(async () => {
				try {
					await this.#pglite.exec('begin');
					for (const {text, values} of scopeStatements(scope)) await this.#pglite.query(text, [...(values ?? [])]);
					const results = await this.#pglite.exec(sql, {parsers: asText});
					await this.#pglite.exec('commit');
					return results.map(({rows, fields, affectedRows}) => ({rows, fields, count: affectedRows ?? rows.length}));
				} finally {
					await this.#pglite.exec('rollback');
				}
			}),
		);
	}

	async listen(channel: string, listener: (payload: string) => void): Promise<() => Promise<void>> {
		const unlisten = await this.#pglite.listen(channel, listener);
		return () => unlisten();
	}

	async close(): Promise<void> {
		await this.#pglite.close();
	}

	async #translate<T>(work: () => Promise<T>): Promise<T> {
		try {
			return await work();
		} catch (error) {
			const {code, message, detail, hint} = error as {code?: string; message?: string; detail?: string; hint?: string};
			if (typeof code !== 'string' || code.length !== 5) throw error;
			throw new DatabaseError(message ?? 'unknown', code, detail ?? null, hint ?? null);
		}
	}
}

/** What makes a transaction run as the scope says, PostgREST's way. */
export function scopeStatements({role, claims, readOnly, settings}: Scope): Statement[] {
	const entries = {...settings, 'request.jwt.claims': JSON.stringify(claims), role};
	const names = Object.keys(entries);
	return [
		...(readOnly === true ? [{text: 'set transaction read only'}] : []),
		{
			text: `select ${names.map((_, index) => `set_config($${index * 2 + 1}, $${index * 2 + 2}, true)`).join(', ')}`,
			values: Object.entries(entries).flat(),
		},
	];
}
