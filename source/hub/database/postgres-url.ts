import type {ClientConfig} from 'pg';
import {HubError} from '../files/error.ts';

/** How to connect to a PostgreSQL server. */
export interface PostgresAddress {
	readonly config: ClientConfig;
	/** `user@host:port/database`, without a password: for messages. */
	readonly label: string;
}

/** In place of a URL: the database that is built into the hub. */
export const embedded = 'embedded';

const loopback = new Set(['', 'localhost', '127.0.0.1', '[::1]']);
const sslModes = new Set(['disable', 'prefer', 'require', 'verify-ca', 'verify-full']);

/**
 * Parses `postgres://user:password@host:port/database?sslmode=...` as libpq does, with one difference: for another machine the
 * default sslmode is verify-full. PGUSER, PGPASSWORD, PGPASSFILE and so on supply what the URL omits. Throws HubError, which never
 * contains the URL.
 */
export function parsePostgresUrl(text: string, env: NodeJS.ProcessEnv = process.env): PostgresAddress {
	const url = URL.parse(text);
	if (url === null || !/^postgres(ql)?:$/.test(url.protocol) || isMisread(url)) {
		throw new HubError(
			'The database URL is not a PostgreSQL URL.',
			'Write it as postgres://USER@HOST:5432/DATABASE, with special characters percent-encoded.',
		);
	}
	const {searchParams} = url;
	const host = searchParams.get('host') ?? (decodeURIComponent(url.hostname) || env['PGHOST'] || 'localhost');
	const isNear = host.startsWith('/') || loopback.has(host);
	const sslMode = searchParams.get('sslmode') ?? env['PGSSLMODE'] ?? (isNear ? 'disable' : 'verify-full');
	if (!sslModes.has(sslMode)) {
		throw new HubError(`Unknown sslmode: ${sslMode}.`, `Use one of: ${[...sslModes].join(', ')}.`);
	}
	searchParams.set('sslmode', sslMode);
	// Without it, node-postgres treats require and prefer as verify-full.
	searchParams.set('uselibpqcompat', 'true');
	const own = searchParams.get('options') ?? env['PGOPTIONS'];
	searchParams.delete('options');
	return {
		config: {connectionString: url.href, options: [own, sessionOptions].filter(Boolean).join(' ')},
		label: labelOf(url, host, env),
	};
}

/** The label of a URL or of `embedded`. Throws HubError. */
export function describeDatabase(text: string): string {
	return text === embedded ? embedded : parsePostgresUrl(text).label;
}

/** The text form of values must not depend on settings of the server, database or user; the search path is that of a new project. */
const sessionOptions = [
	'search_path=public',
	'datestyle=ISO',
	'intervalstyle=postgres',
	'timezone=UTC',
	'bytea_output=hex',
	'extra_float_digits=1',
	'client_min_messages=warning',
]
	.map(setting => `-c ${setting}`)
	.join(' ');

/** A password with an unencoded `/`, `#` or `%` ends the authority early, and its rest would be shown as the database name. */
function isMisread({username, password, hostname, pathname, hash}: URL): boolean {
	return hash !== '' || pathname.includes('@') || ![username, password, hostname, pathname].every(isDecodable);
}

function isDecodable(text: string): boolean {
	try {
		decodeURIComponent(text);
		return true;
	} catch {
		return false;
	}
}

function labelOf(url: URL, host: string, env: NodeJS.ProcessEnv): string {
	const user = url.searchParams.get('user') ?? (decodeURIComponent(url.username) || env['PGUSER'] || env['USER'] || '');
	const port = url.port || env['PGPORT'] || '5432';
	const database = decodeURIComponent(url.pathname.slice(1)) || env['PGDATABASE'] || user;
	return `${user}@${host}:${port}/${database}`;
}
