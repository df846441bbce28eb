import {owner} from '../schema/bootstrap.ts';
import {HubError} from '../files/error.ts';
import type {Log} from '../files/log.ts';
import type {OpenedDatabase} from '../database/opened-database.ts';
import {FairDatabase} from '../database/fair-database.ts';
import {connections, mailConnections} from './pool.ts';
import {PostgresDatabase, type PostgresOptions} from './postgres.ts';
import {hasEventTriggers, preparePostgres} from './setup.ts';
import {announceSchema, startUpkeep} from '../upkeep/postgres.ts';
import {parsePostgresUrl} from '../database/postgres-url.ts';

/** Connects to the server and sets up its database as a mailbox. Rejects with HubError, which never contains a password. */
export async function openPostgres(
	url: string,
	options: PostgresOptions & {
		readonly log: Log;
		readonly onProgress?: (sentence: string) => void;
		/** Aborted to stop the hub before it has started: a migration is cancelled. */
		readonly signal?: AbortSignal | undefined;
	},
): Promise<OpenedDatabase> {
	const address = parsePostgresUrl(url);
	const {label} = address;
	let database: PostgresDatabase;
	const onListening = (reason: string | null): void => {
		options.onListening?.(reason);
		// Notifications about changes of the schema may be lost as well.
		if (reason === null) void database.run(owner, [announceSchema]).catch(() => undefined);
	};
	try {
		database = await PostgresDatabase.open(address, {...options, onListening, onStuck: options.log});
	} catch (error) {
		throw unopened(label, error);
	}
	try {
		await preparePostgres(database, options.log, options.onProgress, options.signal);
		const announced = await hasEventTriggers(database);
		if (!announced) {
			options.log(
				'The database user cannot create event triggers, so changes of the schema take effect after a few seconds.',
			);
		}
		const [result] = await database.run(owner, [{text: `select current_setting('server_version') as version`}]);
		return {
			database: new FairDatabase(database, {
				atOnce: connections,
				perCaller: connections - 2,
				reserved: mailConnections,
			}),
			engine: `PostgreSQL ${String(result?.rows[0]?.['version']).split(' ')[0]}`,
			label,
			copyTo: null,
			runaways: () => database.runaways.list(),
			startMaintenance() {
				// What a hub before this one left behind.
				void database.runaways.look();
				return startUpkeep(database, !announced, options.log);
			},
		};
	} catch (error) {
		await database.close();
		throw error;
	}
}

/** Remedies, by SQLSTATE or the network's error code. */
const remedies: {readonly [code: string]: string} = {
	'28P01': 'Check the user and the password: in the URL, PGPASSWORD or PGPASSFILE.',
	'28000': 'Check the user, and whether pg_hba.conf allows it to connect from here.',
	'3D000': 'Create it: create database NAME.',
	'53300': 'Close some connections, or raise max_connections.',
	ECONNREFUSED: 'Check that the server is running and listening there.',
	ENOTFOUND: 'Check the name of the host.',
	ENOENT: 'Check the path.',
};

function unopened(label: string, error: unknown): HubError {
	const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
	const {message: said, code: given = ''} = first as Error & {readonly code?: string};
	const lacking = said.includes('client password must be a string');
	const [message, code] = lacking ? ['it requires a password, and none was given', '28P01'] : [said, given];
	const remedy = remedies[code] ?? (isAboutTls(message, code) ? tlsRemedy : 'See `agentmux hub logs`.');
	return new HubError(`Cannot connect to the PostgreSQL ${label}: ${message.replace(/\.$/, '')}.`, remedy, {
		cause: error,
	});
}

const tlsRemedy =
	'Add the certificate of its authority to the URL (sslrootcert=FILE), or sslmode=require to trust any server, or sslmode=disable if the network is safe.';

function isAboutTls(message: string, code: string): boolean {
	return /\bSSL\b|TLS|certificate|altnames/i.test(message) || /CERT|SSL|TLS/.test(code);
}
