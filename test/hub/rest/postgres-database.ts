import pg from 'pg';
import {DatabaseError, type Database, type Result, type Scope, type Statement} from '../../../source/hub/database.ts';
import {startPostgres} from '../../helpers/postgres.ts';

const parsed = new Set<number>([pg.types.builtins.BOOL, pg.types.builtins.INT2, pg.types.builtins.INT4]);

/** The Database port on one connection to a real PostgreSQL: enough to ask the same questions of both engines. */
export async function openPostgresDatabase(): Promise<Database> {
	const server = await startPostgres();
	const client = new pg.Client({
		connectionString: server.connectionString,
		types: {
			getTypeParser: (oid, format) =>
				parsed.has(oid) ? (pg.types.getTypeParser(oid, format) as (text: string) => unknown) : (text: string) => text,
		},
	});
	await client.connect();
	let turn: Promise<unknown> = Promise.resolve();
	const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
		const result = turn.then(work).catch((error: unknown) => {
			throw translated(error);
		});
		turn = result.catch(() => null);
		return result;
	};
	const query = async ({text, values = []}: Statement): Promise<Result> => {
		const {rows, fields, rowCount} = await client.query<Record<string, unknown>>(text, [...values]);
		return {rows, fields: fields.map(({name, dataTypeID}) => ({name, dataTypeID})), count: rowCount ?? rows.length};
	};
	const transaction = async <T>(scope: Scope, work: () => Promise<T>): Promise<T> => {
		await client.query(scope.readOnly === true ? 'begin read only' : 'begin');
		try {
			const settings = {...scope.settings, 'request.jwt.claims': JSON.stringify(scope.claims), role: scope.role};
			for (const [name, setting] of Object.entries(settings)) {
				await client.query('select set_config($1, $2, true)', [name, setting]);
			}
			const result = await work();
			await client.query('commit');
			return result;
		} catch (error) {
			await client.query('rollback');
			throw error;
		}
	};
	return {
		run: (scope, statements) =>
			inTurn(() =>
				transaction(scope, async () => {
					const results: Result[] = [];
					for (const statement of statements) results.push(await query(statement));
					return results;
				}),
			),
		script: (_, sql) =>
			inTurn(async () => {
				await client.query(sql);
				return [];
			}),
		async listen(channel, listener) {
			client.on('notification', message => {
				if (message.channel === channel) listener(message.payload ?? '');
			});
			await client.query(`listen "${channel}"`);
			return () => Promise.resolve();
		},
		async close() {
			await client.end();
			await server.stop();
		},
	};
}

function translated(error: unknown): unknown {
	if (!(error instanceof pg.DatabaseError) || error.code === undefined) return error;
	return new DatabaseError(error.message, error.code, error.detail ?? null, error.hint ?? null);
}
