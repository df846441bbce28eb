import {bootstrap, owner} from '../schema/bootstrap.ts';
import {DatabaseError} from '../database/database.ts';
import {HubError} from '../files/error.ts';
import {migrate, missingMigrations, readMigrations} from '../schema/migrations.ts';
import type {Log} from '../files/log.ts';
import type {PostgresDatabase} from './postgres.ts';
import {checkRights, giveTablesBack} from './restored-rights.ts';
import {inSetupTurn} from './setup-turn.ts';
import {readSql} from '../files/read-sql.ts';

/** The state of the database before anything is changed. */
interface Standing {
	readonly version: number;
	readonly encoding: string;
	readonly standby: boolean;
	readonly user: string;
	readonly database: string;
	/** Whether it already is a mailbox. */
	readonly ours: boolean;
	readonly supabase: boolean;
	/** Schemas with the names of a mailbox's own, created by somebody else. */
	readonly foreign: string;
	/** The owner of the mailbox, if the user is not a member of that role; otherwise empty. */
	readonly other: string;
}

const standingQuery = readSql(new URL('standing.sql', import.meta.url));

/**
 * Makes a PostgreSQL server's database the mailbox, or brings it up to date: all of it or nothing, and one hub at a time.
 * Throws HubError, having changed nothing, where that would break what is there or the user lacks a right.
 */
export async function preparePostgres(
	database: PostgresDatabase,
	log: Log,
	onProgress: (sentence: string) => void = () => undefined,
	signal?: AbortSignal,
): Promise<void> {
	// Checked before anything is created, and again under the lock, because another hub may have been faster.
	const standing = await read(database);
	refuse(standing);
	try {
		await inSetupTurn(database, onProgress, async () => {
			refuse(await read(database));
			const migrations = await readMigrations();
			// A newer agentmux's is refused before anything is changed.
			await missingMigrations(database, migrations);
			await bootstrap(database);
			await checkRights(database, standing.database);
			await migrate(database, migrations, onProgress, signal);
			await giveTablesBack(database, log);
			// Without event triggers, nothing else would do it.
			await database.run(owner, [{text: 'select realtime.sync_capture()'}]);
		});
	} catch (error) {
		throw error instanceof DatabaseError && error.code === '42501' ? lackingRight(standing, error) : error;
	}
	if (!(await mayTake(database, 'supabase_read_only_user'))) database.standIn('supabase_read_only_user');
}

async function read(database: PostgresDatabase): Promise<Standing> {
	const [result] = await database.run({...owner, readOnly: true}, [{text: standingQuery}]);
	return result?.rows[0] as unknown as Standing;
}

/** Whether event triggers report changes of the schema; otherwise the hub must check for them. */
export async function hasEventTriggers(database: PostgresDatabase): Promise<boolean> {
	const text = `select count(*)::int = 3 as all from pg_event_trigger where evtname in ('realtime_ddl', 'pgrst_ddl_watch', 'pgrst_drop_watch')`;
	const [result] = await database.run(owner, [{text}]);
	return result?.rows[0]?.['all'] === true;
}

async function mayTake(database: PostgresDatabase, role: string): Promise<boolean> {
	const taking = `case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end`;
	const text = `select pg_has_role(oid, ${taking}) as may from pg_roles where rolname = $1`;
	const [result] = await database.run(owner, [{text, values: [role]}]);
	return result?.rows[0]?.['may'] === true;
}

function refuse({version, encoding, standby, database, ours, supabase, foreign, user, other}: Standing): void {
	if (version < 150_000) {
		throw new HubError(
			`The server is PostgreSQL ${Math.floor(version / 10_000)}, but agentmux needs 15 or newer.`,
			'Choose another server.',
		);
	}
	if (standby) throw new HubError('The server is a standby, which is read-only.', 'Use the primary.');
	if (encoding !== 'UTF8') {
		throw new HubError(
			`The encoding of the database ${database} is ${encoding}, which cannot represent all messages.`,
			`Create one for the mailbox: create database agentmux encoding 'UTF8' template template0.`,
		);
	}
	if (supabase) {
		throw new HubError(
			`The database ${database} is that of a Supabase, and a hub would replace parts of it.`,
			'Set SUPABASE_URL and SUPABASE_SECRET_KEY instead: agentmux then needs no hub.',
		);
	}
	if (other !== '') {
		throw new HubError(
			`The mailbox in ${database} belongs to the database user ${other}, and ${user} cannot change it.`,
			`Let every hub connect as ${other}, or grant ${other} to ${user}.`,
		);
	}
	if (!ours && foreign !== '') {
		throw new HubError(
			`The database ${database} has a schema ${foreign} that agentmux did not create, and a hub would change it.`,
			'Create a separate database for the mailbox: create database agentmux.',
		);
	}
}

function lackingRight({user, database}: Standing, error: DatabaseError): HubError {
	const name = (text: string): string => `"${text.replaceAll('"', '""')}"`;
	const roles = ['anon', 'authenticated', 'service_role'];
	const grants = [
		...roles.map(role => `create role ${role} nologin noinherit${role === 'service_role' ? ' bypassrls' : ''}`),
		`grant ${roles.join(', ')} to ${name(user)}`,
		`alter database ${name(database)} owner to ${name(user)}`,
	];
	return new HubError(
		`The database user ${user} lacks rights to set up the mailbox: ${error.message}.`,
		`As a superuser, run those of these statements that are still needed: ${grants.join('; ')}.`,
		{cause: error},
	);
}
