import pg from 'pg';
import {translated} from './errors.ts';
import type {PostgresDatabase} from './postgres.ts';
import {readSql} from '../files/read-sql.ts';

/**
 * A table to lock, created at the first start, before anything else. Only the mailbox's owner can access it, while any user who can run
 * SQL could take an advisory lock. The owner of the schema gets all rights, whichever member of that role created the table.
 */
const make = readSql(new URL('setup-turn.sql', import.meta.url));

/** Two hubs created it at the same time, or one removed it while another was waiting for it. */
const races = new Set(['23505', '42P06', '42P07', '42P01', '3F000']);
/** Two hubs changed the rights of it at the same time: "tuple concurrently updated", for which PostgreSQL has no code of its own. */
const racingRoutines = new Set(['simple_heap_update', 'simple_heap_delete']);

/**
 * Runs `work` while no other hub on this database does. Waits for another one as long as that takes, because it may be applying a
 * migration to a long history.
 */
export async function inSetupTurn<T>(
	database: PostgresDatabase,
	onProgress: (sentence: string) => void,
	work: () => Promise<T>,
): Promise<T> {
	const client = await database.connect();
	try {
		const isNew = await takeTurn(client, onProgress);
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

/** Takes the lock, which lasts until the open transaction ends. Returns whether there was no mailbox before. */
async function takeTurn(client: pg.Client, onProgress: (sentence: string) => void): Promise<boolean> {
	for (let attempt = 1; ;) {
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
			const {code, routine} = error instanceof pg.DatabaseError ? error : {};
			const isRace = races.has(code ?? '') || racingRoutines.has(routine ?? '');
			if (code === '55P03') onProgress('Waiting for another hub, which is setting up this database.');
			else if (attempt === 5 || !isRace) throw translated(error);
			else attempt += 1;
		}
	}
}

/** Cleans up after a setup that failed, unless the schema already contains more. */
async function takeBack(client: pg.Client): Promise<void> {
	const text = 'drop table supabase_migrations.setup_turn; drop schema supabase_migrations; commit';
	await client.query(text).catch(() => undefined);
}
