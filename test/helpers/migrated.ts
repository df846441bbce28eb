import {PGlite, types} from '@electric-sql/pglite';
import {readdirSync, readFileSync} from 'node:fs';
import pg from 'pg';
import {startPostgres} from './postgres.ts';
import {preparedFiles} from './prepared.ts';

/** The identity of SQL: a role with the settings that PostgREST would make; `owner` is the user who migrated. */
export interface Caller {
	readonly role: 'owner' | 'anon' | 'authenticated' | 'service_role';
	readonly claims?: object;
	readonly headers?: object;
}

export const owner: Caller = {role: 'owner'};
export const anon: Caller = {role: 'anon', claims: {role: 'anon'}};
/** A user of the same project who is not an agent. */
export const stranger: Caller = {
	role: 'authenticated',
	claims: {role: 'authenticated', app_metadata: {provider: 'email'}},
};
export const agent = (tag: string): Caller => signedIn(tag, 'agent');
export const human = (tag = 'HUMAN'): Caller => signedIn(tag, 'human');
export const service = (tag?: string): Caller => ({
	role: 'service_role',
	claims: {role: 'service_role'},
	headers: tag === undefined ? {} : {'x-agentmux-tag': tag},
});

function signedIn(tag: string, kind: string): Caller {
	return {role: 'authenticated', claims: {role: 'authenticated', app_metadata: {agent_tag: tag, kind}}};
}

export type Row = Record<string, unknown>;

/** One connection; each call is a transaction of its own. */
interface Session {
	as(caller: Caller, sql: string, values?: readonly unknown[]): Promise<Row[]>;
	/** Any statements, as the owner. */
	script(sql: string): Promise<void>;
}

export interface Connection extends Session {
	/** A connection for transactions that span several calls. */
	readonly client: pg.Client;
}

/** A database with the migrations applied. */
export interface MigratedDatabase extends Session {
	/** Empties the tables. */
	clear(): Promise<void>;
	/** Undoes what the scripts in it do, at its end; what its calls of `as` do is undone at once. */
	undone<T>(work: (session: Session) => Promise<T>): Promise<T>;
	close(): Promise<void>;
}

export const migrationsFolder = new URL('../../supabase/migrations/', import.meta.url);

interface MigrationFile {
	/** Of the file, without its time. */
	readonly name: string;
	readonly sql: string;
}

/** The migrations in order, as they are applied everywhere. */
export function migrationFiles(): MigrationFile[] {
	return readdirSync(migrationsFolder)
		.filter(file => file.endsWith('.sql'))
		.sort()
		.map(file => ({name: file.slice(15, -'.sql'.length), sql: readFileSync(new URL(file, migrationsFolder), 'utf8')}));
}

/** Their text. */
export function migrations(): string[] {
	return migrationFiles().map(({sql}) => sql);
}

/** What every schema test runs on. Before the migrations there is a publication, as on Supabase and in the hub. */
export const engines: ReadonlyArray<{readonly engine: string; readonly open: () => Promise<MigratedDatabase>}> = [
	{engine: 'PGlite', open: openPglite},
	{engine: 'PostgreSQL', open: openPostgres},
];

const before = 'create publication supabase_realtime';
// Messages cannot be truncated: between two tests their owner does what `agentmux verify` would find.
const clearing = `alter table messages disable trigger messages_append_only_truncate;
	truncate messages, mux_approvals, mux_scheduled, mux_sight, mux_stops, mux_edits, agentmux.told_edits, tasks, agents, receipts, cursors, agent_sessions, events, agentmux.unacked, agentmux.seals, agentmux.offers, agentmux.workers, agentmux.wakes restart identity cascade;
	alter table messages enable trigger messages_append_only_truncate`;

export async function openPglite(): Promise<MigratedDatabase> {
	const pglite = await PGlite.create({
		loadDataDir: await preparedFiles('migrated', [before, ...migrations()]),
		// As the hub's: to clear PGlite's own 128 MB is a quarter of what a start costs.
		startParams: [...PGlite.defaultStartParams, '-c', 'shared_buffers=16MB'],
	});
	const session: Session = {
		as: (caller, sql, values = []) =>
			pglite.transaction(async transaction => {
				for (const [text, setting] of scope(caller)) await transaction.query(text, setting);
				return (await transaction.query<Row>(sql, [...values], {parsers: {[types.INT8]: Number}})).rows;
			}),
		script: async sql => void (await pglite.exec(sql)),
	};
	return {
		...session,
		clear: () => session.script(clearing),
		undone: work =>
			pglite.transaction(async transaction => {
				const result = await work(
					withSavepoints({
						query: async (text, values) =>
							(await transaction.query<Row>(text, [...values], {parsers: {[types.INT8]: Number}})).rows,
						script: async sql => void (await transaction.exec(sql)),
					}),
				);
				await transaction.rollback();
				return result;
			}),
		close: () => pglite.close(),
	};
}

/** PostgreSQL alone: PGlite has but one connection. */
export async function openPostgres(): Promise<
	MigratedDatabase & {readonly connectionString: string; connect(): Promise<Connection>}
> {
	const server = await startPostgres({
		holding: {name: 'migrated-postgres', key: [asOnSupabaseSql, before, ...migrations()], make: makeMigrated},
	});
	const connectionString = asMigrator(server.connectionString);
	const clients: pg.Client[] = [];
	const connect = async (): Promise<Connection> => {
		const client = new pg.Client({
			connectionString,
			types: {
				getTypeParser: (oid, format) =>
					oid === pg.types.builtins.INT8 ? Number : (pg.types.getTypeParser(oid, format) as (text: string) => unknown),
			},
		});
		await client.connect();
		clients.push(client);
		return {
			client,
			async as(caller, sql, values = []) {
				await client.query('begin');
				try {
					for (const [text, setting] of scope(caller)) await client.query(text, setting);
					const {rows} = await client.query<Row>(sql, [...values]);
					await client.query('commit');
					return rows;
				} catch (error) {
					await client.query('rollback');
					throw error;
				}
			},
			script: async sql => void (await client.query(sql)),
		};
	};
	const session = await connect();
	return {
		as: (caller, sql, values) => session.as(caller, sql, values),
		script: sql => session.script(sql),
		connect,
		connectionString,
		clear: () => session.script(clearing),
		async undone(work) {
			const {client} = session;
			await client.query('begin');
			try {
				return await work(
					withSavepoints({
						query: async (text, values) => (await client.query<Row>(text, [...values])).rows,
						script: sql => session.script(sql),
					}),
				);
			} finally {
				await client.query('rollback');
			}
		},
		async close() {
			for (const client of clients) await client.end();
			await server.stop();
		},
	};
}

interface Transaction {
	readonly query: (sql: string, values: readonly unknown[]) => Promise<Row[]>;
	readonly script: (sql: string) => Promise<void>;
}

/** Within a transaction: each call is one of its own as far as it can be, and leaves no role or claims to the next. */
function withSavepoints({query, script}: Transaction): Session {
	return {
		async as(caller, sql, values = []) {
			await script('savepoint call');
			try {
				for (const [text, setting] of scope(caller)) await query(text, setting);
				return await query(sql, values);
			} finally {
				await script('rollback to savepoint call');
			}
		},
		script,
	};
}

const asOnSupabaseSql = `create role migrator login createrole password 'migrator';
	create role anon nologin; create role authenticated nologin; create role service_role nologin bypassrls;
	grant anon, authenticated, service_role to migrator with admin option`;

/** A migrated database whose owner is no superuser, with the roles there already, as on Supabase. */
async function makeMigrated(superuser: string): Promise<void> {
	await runAll(superuser, [asOnSupabaseSql, 'create database agentmux owner migrator']);
	await runAll(asMigrator(superuser), [before, ...migrations()]);
}

async function runAll(connectionString: string, scripts: readonly string[]): Promise<void> {
	const client = new pg.Client({connectionString});
	await client.connect();
	try {
		for (const script of scripts) await client.query(script);
	} finally {
		await client.end();
	}
}

function asMigrator(superuser: string): string {
	const url = new URL(superuser);
	[url.username, url.password, url.pathname] = ['migrator', 'migrator', '/agentmux'];
	return url.href;
}

function scope({role, claims, headers}: Caller): Array<[string, string[]]> {
	if (role === 'owner') return [];
	return [
		[
			`select set_config('request.jwt.claims', $1, true), set_config('request.headers', $2, true), set_config('role', $3, true)`,
			[JSON.stringify(claims ?? {}), JSON.stringify(headers ?? {}), role],
		],
	];
}
