import {randomUUID} from 'node:crypto';
import {messages, protocol, type PGlite} from '@electric-sql/pglite';
import type {Result, Statement} from '../database/database.ts';
import {asText} from '../database/session.ts';

/** The maximum number of prepared statements that are kept; each takes some kilobytes of PostgreSQL's memory. */
const maxPrepared = 64;

/** A statement, and for which role it is prepared: a plan contains the policies for a role. */
export interface PipelinedStatement extends Statement {
	readonly role?: string;
}

/**
 * Runs several statements in one call into PGlite, in the extended protocol. PGlite's own `query` makes six calls for each statement,
 * and has PostgreSQL parse and plan it every time.
 */
export class Pipeline {
	readonly #pglite: PGlite;
	readonly #parsed: ReadonlySet<number>;
	/**
	 * Names of prepared statements by role and text; the order of the keys is that of their last use. The names are random, because agents'
	 * SQL in the same session could replace a statement whose name it knows (close-session.sql).
	 */
	readonly #names = new Map<string, string>();

	/** `parsed`: the types whose values are parsed; all others stay in their text form. */
	constructor(pglite: PGlite, parsed: ReadonlySet<number>) {
		this.#pglite = pglite;
		this.#parsed = parsed;
	}

	/** Forgets the prepared statements, after `deallocate all`. */
	forget(): void {
		this.#names.clear();
	}

	/**
	 * Resolves with the result of each statement. After an error the rest are skipped, and it rejects with the error. A transaction that
	 * they begin stays open, also after an error.
	 */
	async run(statements: readonly PipelinedStatement[]): Promise<Result[]> {
		const batch = new Batch();
		const preparing: (readonly [key: string, name: string] | null)[] = [];
		const {serialize} = protocol;
		for (const {text, values = [], isPrepared = false, role = ''} of statements) {
			const key = `${role}\0${text}`;
			const known = isPrepared ? this.#use(key) : undefined;
			const name = known ?? (isPrepared ? randomUUID() : '');
			if (known === undefined) {
				batch.add(serialize.parse({name, text}));
				preparing.push(isPrepared ? [key, name] : null);
			}
			batch.add(
				serialize.bind({
					statement: name,
					values: values.map(value => (value === null || value === undefined ? null : asText(value))),
				}),
				serialize.describe({type: 'P'}),
				serialize.execute({}),
			);
		}
		batch.add(serialize.sync());
		const answers = await this.#pglite.execProtocolStream(batch.bytes(), {syncToFs: false, throwOnError: false});
		const complete = answers.filter(({name}) => name === 'parseComplete').length;
		for (const prepared of preparing.slice(0, complete)) if (prepared !== null) this.#names.set(...prepared);
		const error = answers.find(answer => answer instanceof messages.DatabaseError);
		if (error !== undefined) throw error;
		await this.#dropOldest();
		return this.#results(answers);
	}

	#use(key: string): string | undefined {
		const name = this.#names.get(key);
		if (name === undefined) return undefined;
		this.#names.delete(key);
		this.#names.set(key, name);
		return name;
	}

	async #dropOldest(): Promise<void> {
		const {serialize} = protocol;
		while (this.#names.size > maxPrepared) {
			const [[key, name] = ['', '']] = this.#names;
			this.#names.delete(key);
			const batch = new Batch();
			batch.add(serialize.close({type: 'S', name}), serialize.sync());
			await this.#pglite.execProtocolStream(batch.bytes(), {syncToFs: false});
		}
	}

	#results(answers: readonly {readonly name: string}[]): Result[] {
		const results: Result[] = [];
		let fields: Result['fields'] = [];
		let rows: {[column: string]: unknown}[] = [];
		for (const answer of answers) {
			if (answer instanceof messages.RowDescriptionMessage) {
				fields = answer.fields.map(({name, dataTypeID}) => ({name, dataTypeID}));
			} else if (answer instanceof messages.DataRowMessage) {
				rows.push(Object.fromEntries(answer.fields.map((text, index) => this.#column(fields[index], text))));
			} else if (answer instanceof messages.CommandCompleteMessage || answer.name === 'emptyQuery') {
				const tag = answer instanceof messages.CommandCompleteMessage ? answer.text : '';
				results.push({rows, fields, count: Number(/ (\d+)$/.exec(tag)?.[1] ?? rows.length)});
				fields = [];
				rows = [];
			}
		}
		return results;
	}

	#column(field: Result['fields'][number] | undefined, text: string | null): [name: string, value: unknown] {
		const {name = '', dataTypeID = 0} = field ?? {};
		const parse = text !== null && this.#parsed.has(dataTypeID) ? this.#pglite.parsers[dataTypeID] : undefined;
		return [name, parse === undefined ? text : parse(text as string, dataTypeID)];
	}
}

/** Messages of the protocol, to be sent together. */
class Batch {
	readonly #messages: Uint8Array[] = [];

	add(...added: readonly Uint8Array[]): void {
		this.#messages.push(...added);
	}

	bytes(): Uint8Array {
		const whole = new Uint8Array(this.#messages.reduce((sum, {length}) => sum + length, 0));
		let at = 0;
		for (const message of this.#messages) {
			whole.set(message, at);
			at += message.length;
		}
		return whole;
	}
}
