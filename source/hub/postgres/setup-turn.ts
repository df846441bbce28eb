import pg from 'pg';
import {HubError} from '../files/error.ts';
import {translated} from './errors.ts';
import type {PostgresDatabase} from './postgres.ts';
import {readSql} from '../files/read-sql.ts';

/**
 * Made at the first start, before anything else is. Nobody but the mailbox's owner may name it, whereas the key of an advisory
 * lock can be held by whoever runs SQL. Only its owner's rights count, whoever of those who may act as that one made it.
 */
const make = readSql(new URL('setup-turn.sql', import.meta.url));

/** Two that made it at once, and one that was taken back while another waited for it. */
const races = new Set(['23505', '42P06', '42P07', '42P01', '3F000']);

/** Runs `work` while no other hub on this database runs its own. Rejects with HubError when one does not come to an end. */
export async function inSetupTurn<T>(database: PostgresDatabase, work: () => Promise<T>): Promise<T> {
	const client = await database.connect();
	try {
		const isNew = await takeTurn(client);
		try {
			return await work();
		} catch (error) {
			if (isNew) await takeBack(client);
			throw error;
		}
	} finally {
		await client.end().catch(() => undefined);
	}
}

/** Whether there was no mailbox before. The turn lasts as long as the transaction that it leaves open. */
async function takeTurn(client: pg.Client): Promise<boolean> {
	for (let attempt = 1; ; attempt++) {
		try {
			const there = await client.query<{turn: string | null}>(
				`select to_regclass('supabase_migrations.setup_turn')::text as turn`,
			);
			const isNew = there.rows[0]?.turn === null;
			if (isNew) await client.query(make);
			await client.query('begin; set local idle_in_transaction_session_timeout = 0');
			await client.query('lock table supabase_migrations.setup_turn in exclusive mode');
			return isNew;
		} catch (error) {
			await client.query('rollback').catch(() => undefined);
			const code = error instanceof pg.DatabaseError ? error.code : undefined;
			if (code === '55P03') {
				throw new HubError('Another hub has been setting up this database for two minutes.', 'See its log.', {
					cause: error,
				});
			}
			if (attempt === 5 || !races.has(code ?? '')) throw translated(error);
		}
	}
}

/** A set-up that failed leaves nothing behind, unless it got so far that the schema holds more. */
async function takeBack(client: pg.Client): Promise<void> {
	const text = 'drop table supabase_migrations.setup_turn; drop schema supabase_migrations; commit';
	await client.query(text).catch(() => undefined);
}
