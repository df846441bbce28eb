import type {ClientConfig} from 'pg';
import {HubError} from '../files/error.ts';

/** How a PostgreSQL is reached. */
export interface PostgresAddress {
	readonly config: ClientConfig;
	/** `user@host:port/database`: for people, and without a password. */
	readonly label: string;
}

/** What instead of a URL means the database that the hub brings along. */
export const embedded = 'embedded';

const loopback = new Set(['', 'localhost', '127.0.0.1', '[::1]']);
const sslModes = new Set(['disable', 'prefer', 'require', 'verify-ca', 'verify-full']);

/**
 * Reads `postgres://user:password@host:port/database?sslmode=...` as libpq does, with one difference: to another machine it
 * is verify-full unless the URL (or PGSSLMODE) says otherwise. What the URL leaves out comes from PGUSER, PGPASSWORD,
 * PGPASSFILE and so on. Throws HubError, which never repeats the URL.
 */
export function parsePostgresUrl(text: string, env: NodeJS.ProcessEnv = process.env): PostgresAddress {
	const url = URL.parse(text);
	if (url === null || !/^postgres(ql)?:$/.test(url.protocol) || isMisread(url)) {
		throw new HubError(
			'The database URL is not a PostgreSQL URL.',
			'It looks like postgres://USER@HOST:5432/DATABASE; special characters in it are percent-encoded.',
		);
	}
	const {searchParams} = url;
	const host = searchParams.get('host') ?? (decodeURIComponent(url.hostname) || env['PGHOST'] || 'localhost');
	const isNear = host.startsWith('/') || loopback.has(host);
	const sslMode = searchParams.get('sslmode') ?? env['PGSSLMODE'] ?? (isNear ? 'disable' : 'verify-full');
	if (!sslModes.has(sslMode)) {
		throw new HubError(`sslmode=${sslMode} is not known.`, `It is one of: ${[...sslModes].join(', ')}.`);
	}
	searchParams.set('sslmode', sslMode);
	// Otherwise node-postgres takes require and prefer for verify-full.
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

/** How values read as text, whatever the server, the database or the user is set to; names are looked up as in a new project. */
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

/** A password with a bare `/`, `#` or `%` ends before its end: what is left of it would be shown as the database. */
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
