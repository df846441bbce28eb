import type pg from 'pg';
import type {Result, Statement} from '../database/database.ts';
import {asText} from '../database/session.ts';
import {types} from './query.ts';

/** What node-postgres hands a query for sending its messages; its types lack this. */
interface Connection {
	readonly stream: {cork(): void; uncork(): void};
	parse(message: {readonly name: string; readonly text: string}): void;
	bind(message: {readonly values: readonly (string | null)[]}): void;
	describe(message: {readonly type: 'P'; readonly name: string}): void;
	execute(message: object): void;
	sync(): void;
}

/**
 * Runs the statements in one round trip: the server answers them all at once, and after an error it skips the rest, among them a `commit`.
 * A transaction that they begin stays open after an error.
 */
export function runPipelined(client: pg.PoolClient, statements: readonly Statement[]): Promise<Result[]> {
	return new Promise((resolve, reject) => {
		client.query(
			new Pipelined(statements, (error, results = []) => {
				if (error === null) resolve(results);
				else reject(error);
			}),
		);
	});
}

/** A query of node-postgres that consists of several statements (pg.Submittable, as pg-cursor is one). */
class Pipelined implements pg.Submittable {
	readonly #statements: readonly Statement[];
	readonly #results: Result[] = [];
	/** Called once. node-postgres puts another function around it, for its timeout. */
	callback: (error: Error | null, results?: Result[]) => void;
	#fields: readonly pg.FieldDef[] = [];
	#rows: {[column: string]: unknown}[] = [];

	constructor(statements: readonly Statement[], callback: Pipelined['callback']) {
		this.#statements = statements;
		this.callback = callback;
	}

	submit(given: unknown): void {
		const connection = given as Connection;
		connection.stream.cork();
		try {
			this.#send(connection);
		} finally {
			connection.stream.uncork();
		}
	}

	#send(connection: Connection): void {
		for (const {text, values = []} of this.#statements) {
			connection.parse({name: '', text});
			connection.bind({
				values: values.map(value => (value === null || value === undefined ? null : asText(value))),
			});
			connection.describe({type: 'P', name: ''});
			connection.execute({});
		}
		connection.sync();
	}

	handleRowDescription({fields}: {readonly fields: readonly pg.FieldDef[]}): void {
		this.#fields = fields;
	}

	handleDataRow({fields}: {readonly fields: readonly (string | null)[]}): void {
		this.#rows.push(Object.fromEntries(fields.map((text, index) => valueOf(this.#fields[index], text))));
	}

	handleCommandComplete({text}: {readonly text: string}): void {
		this.#results.push({
			rows: this.#rows,
			fields: this.#fields.map(({name, dataTypeID}) => ({name, dataTypeID})),
			count: Number(/ (\d+)$/.exec(text)?.[1] ?? this.#rows.length),
		});
		this.#fields = [];
		this.#rows = [];
	}

	handleEmptyQuery(): void {
		this.handleCommandComplete({text: ''});
	}

	handleError(error: Error): void {
		this.callback(error);
	}

	handleReadyForQuery(): void {
		this.callback(null, this.#results);
	}
}

function valueOf(field: pg.FieldDef | undefined, text: string | null): [name: string, value: unknown] {
	const {name = '', dataTypeID = 0} = field ?? {};
	const parse = types.getTypeParser(dataTypeID, 'text') as (text: string) => unknown;
	return [name, text === null ? null : parse(text)];
}
