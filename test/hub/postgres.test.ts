import {execFileSync} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import pg from 'pg';
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {DatabaseError} from '../../source/hub/database/database.ts';
import {PostgresDatabase} from '../../source/hub/postgres/postgres.ts';
import {openPostgres} from '../../source/hub/postgres/open.ts';
import {parsePostgresUrl} from '../../source/hub/database/postgres-url.ts';
import type {OpenedDatabase} from '../../source/hub/database/opened-database.ts';
import {readCatalog} from '../../source/hub/rest/catalog/catalog-reader.ts';
import {startRelay} from '../helpers/relay.ts';
import {startPostgres, type PostgresServer} from '../helpers/postgres.ts';

const certificate = fileURLToPath(new URL('../fixtures/tls/certificate.pem', import.meta.url));
let server: PostgresServer;
let opened: OpenedDatabase[] = [];
let serial = 0;

beforeAll(async () => {
	server = await startPostgres({tls: true});
});

afterEach(async () => {
	for (const {database} of opened) await database.close();
	opened = [];
});

afterAll(() => server.stop());

async function open(url: string): Promise<OpenedDatabase> {
	const one = await openPostgres(url, {log: () => undefined});
	opened.push(one);
	return one;
}

async function sql(url: string, text: string): Promise<Record<string, unknown>[]> {
	const client = new pg.Client({connectionString: `${url}&uselibpqcompat=true`});
	await client.connect();
	try {
		return (await client.query<Record<string, unknown>>(text)).rows;
	} finally {
		await client.end();
	}
}

/** A URL like the superuser's, otherwise. */
function urlWith(change: (url: URL) => void): string {
	const url = new URL(server.connectionString);
	change(url);
	return url.href;
}

/** A new database, as the superuser. */
async function make(options = ''): Promise<string> {
	const name = `db_${++serial}`;
	await sql(server.connectionString, `create database ${name} ${options}`);
	return urlWith(url => {
		url.pathname = `/${name}`;
	});
}

describe('a URL', () => {
	const none = {} as NodeJS.ProcessEnv;

	it('is shown without its password and its parameters', () => {
		const text = 'postgres://me:s%3Acret@db.example.org/team?sslmode=require&application_name=x';
		expect(parsePostgresUrl(text, none).label).toBe('me@db.example.org:5432/team');
		expect(parsePostgresUrl('postgresql://me@%2Frun%2Fpostgresql/team', none).label).toBe(
			'me@/run/postgresql:5432/team',
		);
		const env = {PGHOST: 'db', PGPORT: '5433', PGUSER: 'me', PGDATABASE: 'team'};
		expect(parsePostgresUrl('postgres://', env).label).toBe('me@db:5433/team');
	});

	it('of another machine means TLS that is verified, unless it says otherwise', () => {
		const modeOf = (text: string, env = none): string | null =>
			new URL(String(parsePostgresUrl(text, env).config.connectionString)).searchParams.get('sslmode');
		expect(modeOf('postgres://me@db.example.org/team')).toBe('verify-full');
		expect(modeOf('postgres://me@127.0.0.1/team')).toBe('disable');
		expect(modeOf('postgres:///team?host=/run/postgresql')).toBe('disable');
		expect(modeOf('postgres://me@db.example.org/team?sslmode=disable')).toBe('disable');
		expect(modeOf('postgres://me@db.example.org/team', {PGSSLMODE: 'require'})).toBe('require');
	});

	it.each([
		'mysql://me:secret@db/team',
		'secret',
		'postgres://me:secret@[db/team',
		'postgres://me:secret@db/x?sslmode=no',
		// Passwords whose special characters are not encoded.
		'postgres://me:12/secret@db/x',
		'postgres://me:12#secret@db/x',
		'postgres://me:%secret@db/x',
		'postgres://me:pw@db/%secret',
	])('that cannot be one is refused, and not repeated', text => {
		expect(() => parsePostgresUrl(text, none)).toThrow(
			/^(The database URL is not a PostgreSQL URL|Unknown sslmode: no)/,
		);
		expect(() => parsePostgresUrl(text, none)).not.toThrow(/secret/);
	});
});

describe('opening', () => {
	it('goes over TLS as far as the URL asks', async () => {
		const {database} = await open(
			urlWith(url => {
				url.searchParams.set('sslmode', 'verify-full');
				url.searchParams.set('sslrootcert', certificate);
			}),
		);
		const [result] = await database.run({role: 'postgres', claims: {}}, [
			{text: 'select ssl as tls from pg_stat_ssl where pid = pg_backend_pid()'},
		]);
		expect(result?.rows).toEqual([{tls: true}]);
	});

	it.each([
		[
			'an authority that nobody knows',
			(url: URL) => url.searchParams.set('sslmode', 'verify-full'),
			/self-signed certificate.*sslrootcert=FILE/,
		],
		[
			'no TLS where the server wants it',
			(url: URL) => url.searchParams.set('sslmode', 'disable'),
			/no encryption.*pg_hba\.conf/,
		],
		[
			'a wrong password',
			(url: URL) => {
				url.password = 'wrong';
			},
			/password authentication failed.*PGPASSWORD/,
		],
		[
			'no password at all',
			(url: URL) => {
				url.password = '';
			},
			/it requires a password, and none was given\. Check .*PGPASSFILE/,
		],
		[
			'a database that is not there',
			(url: URL) => {
				url.pathname = '/nowhere';
			},
			/database "nowhere" does not exist.*create database/,
		],
		[
			'a port where nothing listens',
			(url: URL) => {
				url.port = '1';
			},
			/ECONNREFUSED.*Check that the server is running/,
		],
		[
			'a certificate that cannot be read',
			(url: URL) => url.searchParams.set('sslrootcert', '/nowhere.pem'),
			/ENOENT.*Check the path/,
		],
	])('says what is wrong and what to do: %s', async (_, change, sentence) => {
		const failure = await open(urlWith(change)).catch((error: unknown) => error);
		expect(failure).toMatchObject({name: 'HubError', sentence: expect.stringMatching(sentence) as unknown});
		expect((failure as {sentence: string}).sentence).not.toContain(new URL(server.connectionString).password);
	});

	it('refuses a database that cannot hold every message', async () => {
		const url = await make(`encoding 'LATIN1' template template0`);
		await expect(open(url)).rejects.toThrow('is LATIN1, which cannot represent all messages');
	});

	it.each([
		['a Supabase', 'create schema auth; create table auth.users (id uuid)', /is that of a Supabase/],
		['a schema auth of somebody else', 'create schema auth', /has a schema auth that agentmux did not create/],
	])('refuses %s and changes nothing in it', async (_, before, sentence) => {
		const url = await make();
		await sql(url, before);
		const census = `select (select count(*) from pg_class) as classes, (select count(*) from pg_proc) as functions,
			(select count(*) from pg_namespace) as schemas, (select count(*) from pg_publication) as publications`;
		const found = await sql(url, census);
		await expect(open(url)).rejects.toThrow(sentence);
		expect(await sql(url, census)).toEqual(found);
	});

	it("accepts a schema that `supabase db push` created, whoever ran it, but not a newer agentmux's", async () => {
		const url = await make();
		await open(url);
		await sql(url, `alter table supabase_migrations.schema_migrations drop column created_by`);
		await open(url);
		// Of whatever else is in this database.
		await sql(url, `insert into supabase_migrations.schema_migrations (version) values ('99990101000000')`);
		await open(url);
		await sql(url, `insert into agentmux.migrations (version) values ('99990101000000')`);
		await expect(open(url)).rejects.toThrow('made by a newer agentmux');
	});
});

describe('setting up', () => {
	const held = 'select granted from pg_locks where relation = $1::regclass';

	it('waits for no lock that the SQL of an agent can hold', async () => {
		const url = await make();
		await open(url);
		const agent = new pg.Client({connectionString: `${url}&uselibpqcompat=true`});
		await agent.connect();
		try {
			await agent.query('begin; set local role authenticated');
			await agent.query(`select pg_advisory_xact_lock(hashtextextended('agentmux', 0))`);
			await open(url);
			await expect(agent.query('lock table supabase_migrations.setup_turn')).rejects.toMatchObject({code: '42501'});
		} finally {
			await agent.end();
		}
	});

	it('is done by one hub at a time, from the first one on', async () => {
		const url = await make();
		await Promise.all([open(url), open(url), open(url)]);
		const other = new pg.Client({connectionString: `${url}&uselibpqcompat=true`});
		await other.connect();
		try {
			await other.query('begin; lock table supabase_migrations.setup_turn in exclusive mode');
			const third = open(url);
			const waits = async () =>
				(await other.query<{granted: boolean}>(held, ['supabase_migrations.setup_turn'])).rows.map(row => row.granted);
			await expect.poll(waits, {timeout: 20_000}).toContain(false);
			await other.query('commit');
			await third;
		} finally {
			await other.end();
		}
	});
});

describe('a database user with few rights', () => {
	/** The URL of a user who owns a new database and nothing else. */
	async function user(name: string, attributes: string): Promise<string> {
		const url = new URL(await make());
		await sql(server.connectionString, `create role ${name} login password 'few' ${attributes}`);
		await sql(server.connectionString, `alter database ${url.pathname.slice(1)} owner to ${name}`);
		[url.username, url.password] = [name, 'few'];
		return url.href;
	}

	it('is told in one sentence what a superuser has to run, and needs no more than that', async () => {
		// Roles belong to the server, so those of other tests would already exist.
		const fresh = await startPostgres();
		try {
			await sql(fresh.connectionString, `create role "few rights" login password 'few'`);
			await sql(fresh.connectionString, 'create database own');
			const url = new URL(fresh.connectionString);
			[url.username, url.password, url.pathname] = ['few rights', 'few', '/own'];
			const failure = (await open(url.href).catch((error: unknown) => error)) as {message: string; remedy: string};
			expect(failure.message).toMatch(
				/^The database user few rights lacks rights to set up the mailbox: permission denied/,
			);
			expect(await sql(url.href, `select nspname from pg_namespace where nspname ~ '^(supabase|agentmux)'`)).toEqual(
				[],
			);
			const grants =
				/^As a superuser, run those of these statements that are still needed: (.+)\.$/.exec(failure.remedy)?.[1] ?? '';
			for (const grant of grants.split('; ')) await sql(fresh.connectionString, grant);
			const {database} = await open(url.href);
			const read = {role: 'supabase_read_only_user', claims: {}, readOnly: true};
			expect(await database.script(read, 'select count(*)::int as count from messages')).toMatchObject([
				{rows: [{count: 0}]},
			]);
			await expect(database.script(read, 'delete from messages')).rejects.toMatchObject({code: '25006'});
		} finally {
			for (const {database} of opened.splice(0)) await database.close();
			await fresh.stop();
		}
	});

	it('that may create schemas but no roles leaves nothing behind', async () => {
		const fresh = await startPostgres();
		try {
			await sql(fresh.connectionString, `create role few login password 'few'`);
			await sql(fresh.connectionString, 'create database own owner few');
			const url = new URL(fresh.connectionString);
			[url.username, url.password, url.pathname] = ['few', 'few', '/own'];
			await expect(open(url.href)).rejects.toThrow(
				'lacks rights to set up the mailbox: permission denied to create role',
			);
			expect(await sql(url.href, `select nspname from pg_namespace where nspname ~ '^(supabase|agentmux)'`)).toEqual(
				[],
			);
		} finally {
			await fresh.stop();
		}
	});

	it('creates the roles itself if it may', async ({skip}) => {
		const fresh = await startPostgres();
		try {
			const [version] = await sql(
				fresh.connectionString,
				`select current_setting('server_version_num')::int as number`,
			);
			skip(Number(version?.['number']) < 160_000, 'until PostgreSQL 15 only a superuser hands on BYPASSRLS');
			await sql(fresh.connectionString, `create role maker login password 'few' createrole bypassrls`);
			await sql(fresh.connectionString, 'create database own owner maker');
			const url = new URL(fresh.connectionString);
			[url.username, url.password, url.pathname] = ['maker', 'few', '/own'];
			const {database} = await open(url.href);
			const [result] = await database.run({role: 'service_role', claims: {role: 'service_role'}}, [
				{text: `insert into messages (content) values ('[A] x') returning tag`},
			]);
			expect(result?.rows).toEqual([{tag: 'A'}]);
			const roles = await sql(
				fresh.connectionString,
				`select rolname from pg_roles where rolname !~ '^(pg_|postgres)' order by 1`,
			);
			expect(roles.map(({rolname}) => rolname)).toEqual([
				'anon',
				'authenticated',
				'authenticator',
				'maker',
				'result_reader',
				'service_role',
			]);
		} finally {
			for (const {database} of opened.splice(0)) await database.close();
			await fresh.stop();
		}
	});

	it('captures tables that are published later, even without event triggers', async () => {
		await open(server.connectionString);
		const url = await user('plain', '');
		await sql(server.connectionString, 'grant anon, authenticated, service_role to plain');
		const {database, startMaintenance} = await open(url);
		const end = startMaintenance();
		const heard: string[] = [];
		await database.listen('realtime', payload => heard.push(payload));
		try {
			// Later checks are compared with the first one.
			await expect
				.poll(
					async () => {
						await sql(url, 'drop table if exists orders; create table orders (id int primary key)');
						await sql(url, 'alter publication supabase_realtime add table orders');
						await new Promise(resolve => setTimeout(resolve, 6000));
						await sql(url, 'insert into orders values (1)');
						return heard.some(payload => payload.includes('{"id": 1}'));
					},
					{timeout: 40_000, interval: 100},
				)
				.toBe(true);
			expect(heard.some(payload => payload.endsWith(' ddl'))).toBe(true);
		} finally {
			end();
		}
	});

	it('shares the mailbox only with those who may act as its owner', async () => {
		const url = new URL(await make());
		await open(url.href);
		await sql(url.href, 'drop table supabase_migrations.setup_turn');
		await sql(url.href, `create role second login password 'few' in role postgres`);
		const second = new URL(url.href);
		[second.username, second.password] = ['second', 'few'];
		// One creates the lock, and the other takes it.
		await open(second.href);
		await open(url.href);
		await sql(server.connectionString, `create role guest login password 'few'`);
		[url.username, url.password] = ['guest', 'few'];
		await expect(open(url.href)).rejects.toThrow(/belongs to the database user postgres, and guest cannot change it/);
	});
});

describe("cancelled when it has been answered, while its connection is made ready for the next, an owner's script", () => {
	const scope = {role: 'postgres', claims: {}};
	let database: PostgresDatabase;
	let other: pg.Client;

	beforeEach(async () => {
		const url = await make();
		database = await PostgresDatabase.open(parsePostgresUrl(url));
		other = new pg.Client({connectionString: `${url}&uselibpqcompat=true`});
		await other.connect();
	});
	afterEach(async () => {
		await other.end();
		await database.close();
	});

	/** Cancels a script at a moment that lasts until `other` commits. */
	async function cancelled(end: string): Promise<{readonly answer: Promise<unknown>}> {
		const abort = new AbortController();
		await other.query('create table if not exists done (); select pg_advisory_lock(7)');
		const sql = `begin; create temp table kept (); commit; select pg_advisory_lock(7); ${end}`;
		const answer = database.script(scope, sql, abort.signal);
		answer.catch(() => undefined);
		const count = async (text: string): Promise<unknown> => (await other.query<{n: number}>(text)).rows[0]?.n;
		const waits = `select count(*)::int as n from pg_stat_activity
			where datname = current_database() and wait_event = 'advisory'`;
		await expect.poll(() => count(waits), {timeout: 20_000, interval: 20}).toBe(1);
		const found = await other.query<{name: string}>(
			`select oid::regclass as name from pg_class where relname = 'kept'`,
		);
		await other.query(`begin; lock table ${found.rows[0]?.name} in access share mode; select pg_advisory_unlock(7)`);
		const cleaning = `select count(*)::int as n from pg_locks where not granted and relation = '${found.rows[0]?.name}'::regclass`;
		await expect.poll(() => count(cleaning), {timeout: 20_000, interval: 20}).toBe(1);
		abort.abort(new DatabaseError('cancelled', '57014'));
		return {answer};
	}

	it('is not reported as failed', async () => {
		const {answer} = await cancelled('insert into done default values');
		// Time for a cancellation, which must not come.
		await new Promise(resolve => setTimeout(resolve, 500));
		await other.query('commit');
		await expect(answer).resolves.toHaveLength(5);
		const [result] = await database.run(scope, [{text: 'select count(*)::int as n from done'}]);
		expect(result?.rows).toEqual([{n: 1}]);
	});

	it('leaves no cancellation to the next call', async () => {
		const {answer} = await cancelled('select 1 / 0');
		await other.query('commit');
		await expect(answer).rejects.toMatchObject({code: '22012'});
		await database.run(scope, [{text: 'select pg_sleep(0.5)'}]);
	});
});

it('a network that drops everything is noticed, leads to errors in time, and is recovered from', async () => {
	let passes = true;
	const relay = await startRelay(Number(new URL(server.connectionString).port), () => passes);
	const heard: (string | null)[] = [];
	const address = parsePostgresUrl(
		urlWith(url => {
			url.port = new URL(relay.url).port;
		}),
	);
	const database = await PostgresDatabase.open(address, {maxSilence: 500, onListening: reason => heard.push(reason)});
	const scope = {role: 'postgres', claims: {}};
	const ask = () => database.run(scope, [{text: 'select 1 as one'}]);
	try {
		const payloads: string[] = [];
		await database.listen('relayed', payload => payloads.push(payload));
		await Promise.all([ask(), ask(), ask()]);
		passes = false;
		await expect(ask()).rejects.toMatchObject({
			name: 'DatabaseAway',
			code: expect.stringMatching(/^PGRST00[01]$/) as unknown,
		});
		await expect.poll(() => heard, {timeout: 10_000}).toEqual(['Query read timeout']);
		passes = true;
		await expect.poll(() => heard, {timeout: 20_000}).toEqual(['Query read timeout', null]);
		await expect.poll(() => ask().then(([result]) => result?.rows, String), {timeout: 10_000}).toEqual([{one: 1}]);
		await database.run(scope, [{text: `select pg_notify('relayed', 'again')`}]);
		await expect.poll(() => payloads).toEqual(['again']);
	} finally {
		passes = true;
		await database.close();
		relay.stop();
	}
});

it('the catalog is read, and the hub set up again, while somebody alters a table', async () => {
	const url = await make();
	const {database} = await open(url);
	const client = new pg.Client({connectionString: `${url}&uselibpqcompat=true`});
	await client.connect();
	try {
		await client.query(
			`create table defaults (id bigint generated by default as identity, at timestamptz default now())`,
		);
		await client.query('begin; alter table defaults add column note text');
		const catalog = await readCatalog(database);
		expect(catalog.tables.get('messages')).toMatchObject({insertable: true, updatable: true, deletable: true});
		await open(url);
	} finally {
		await client.end();
	}
});

it('the hub loads node-postgres only if it is used', () => {
	const loaded = (module: string): number => {
		const file = new URL(`../../source/hub/${module}`, import.meta.url).href;
		const program = `import {createRequire} from 'node:module';
			await import('${file}');
			process.stdout.write(String(Object.keys(createRequire('/').cache).filter(name => name.includes('/pg/')).length));`;
		return Number(execFileSync(process.execPath, ['--input-type=module', '-e', program], {encoding: 'utf8'}));
	};
	expect(loaded('process/run.ts')).toBe(0);
	expect(loaded('postgres/open.ts')).toBeGreaterThan(0);
});
