import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {Client} from '@modelcontextprotocol/sdk/client/index.js';
import {StdioClientTransport} from '@modelcontextprotocol/sdk/client/stdio.js';
import type {CallToolResult} from '@modelcontextprotocol/sdk/types.js';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {startHosted, type Hosted} from '../helpers/hosted.ts';
import {startTestHub, type TestHub} from '../helpers/hub.ts';
import {cli, Home} from '../helpers/program.ts';

interface Entry {
	readonly command: string;
	readonly args: string[];
	readonly env?: Record<string, string>;
}

const stock = new URL('../../node_modules/@supabase/mcp-server-supabase/dist/cli.js', import.meta.url).pathname;

/** A server as a client starts it. */
async function connect(entry: Entry, cwd: string, env: Record<string, string> = {}): Promise<Client> {
	const client = new Client({name: 'test', version: '1'});
	const whole = {PATH: process.env['PATH'] ?? '', ...entry.env, ...env};
	await client.connect(new StdioClientTransport({...entry, env: whole, cwd, stderr: 'ignore'}));
	return client;
}

async function call(client: Client, name: string, args: object): Promise<{text: string; isError: boolean}> {
	const {content, isError} = (await client.callTool({name, arguments: {...args}})) as CallToolResult;
	return {text: content.map(each => (each.type === 'text' ? each.text : '')).join(''), isError: isError === true};
}

const sql = (client: Client, query: string): Promise<{text: string; isError: boolean}> =>
	call(client, 'execute_sql', {query});

const entryIn = (folder: string): Entry =>
	(JSON.parse(readFileSync(join(folder, '.mcp.json'), 'utf8')) as {mcpServers: {supabase: Entry}}).mcpServers.supabase;

describe('the SQL of an agent on the hub', () => {
	let home: Home;
	let folder: string;
	beforeAll(async () => {
		home = await Home.make();
		folder = join(home.path, 'one');
		mkdirSync(folder);
		await home.output(['join', 'CLAUDE_1', '--dir', folder]);
	}, 60_000);
	afterAll(() => home.dispose());

	test('runs as the agent, by the server that join sets up', async () => {
		const client = await connect(entryIn(folder), folder);
		const tables = await call(client, 'list_tables', {schemas: ['public'], verbose: true});
		expect(tables).toMatchObject({isError: false, text: expect.stringContaining('public.messages') as string});
		await sql(client, `insert into messages (content) values ('[CLAUDE_1] by SQL')`);
		expect(await home.json<object[]>(['search', 'by SQL'])).toMatchObject([{author_tag: 'CLAUDE_1', verified: true}]);
		const forged = await sql(
			client,
			`update messages set author_tag = 'HUMAN', author_kind = 'human', verified = true`,
		);
		expect(forged).toMatchObject({
			isError: true,
			text: expect.stringContaining('permission denied for table messages') as string,
		});
		const made = await sql(
			client,
			`create table results (id int, note text); insert into results values (1, 'a;b'); select * from results`,
		);
		expect(made.isError).toBe(false);
		expect(made.text).toContain('a;b');
		const migrated = await call(client, 'apply_migration', {name: 'x', query: 'create table x (a int)'});
		expect(migrated.isError).toBe(true);
		expect(migrated.text).toContain('only the owner of the database can run migrations');
		await client.close();
	});

	test('has the tools of the stock server', async () => {
		const {url} = await home.json<{url: string}>(['hub', 'status']);
		const args = [stock, `--api-url=${url}`, '--project-ref=local', '--features=database'];
		const original = await connect({command: process.execPath, args}, folder, {SUPABASE_ACCESS_TOKEN: 'any'});
		const ours = await connect(entryIn(folder), folder);
		expect(await ours.listTools()).toEqual(await original.listTools());
		await ours.close();
		await original.close();
	});

	test('is its own with an entry of an earlier version, and refused where nobody has joined', async () => {
		const earlier = {command: process.execPath, args: [cli, 'mcp', '--supabase'], env: {AGENTMUX_HOME: home.path}};
		const client = await connect(earlier, folder);
		expect((await sql(client, 'select current_user')).text).toContain('agent_CLAUDE_1');
		await client.close();
		const {code, stderr} = await home.run(['mcp', '--supabase'], {cwd: '/'});
		expect({code, stderr}).toEqual({
			code: 2,
			stderr: expect.stringContaining('Use --as TAG to say whose SQL this is.') as string,
		});
		const other = await home.run(['mcp', '--supabase', '--as', 'CLAUDE_2'], {cwd: folder});
		expect(other.code).toBe(2);
	});

	test("is its own in its folder, and the owner's in a terminal elsewhere", async () => {
		const inside = (query: string): Promise<{code: number | null; stderr: string; stdout: string}> =>
			home.run(['sql', query], {cwd: folder});
		expect((await inside('select current_user as me')).stdout).toContain('agent_CLAUDE_1');
		expect((await inside('set role postgres')).stderr).toContain('an agent may not run SET');
		expect((await inside('select * from nowhere')).stderr).toContain('relation "nowhere" does not exist');
		expect((await inside('delete from messages')).code).toBe(1);
		expect((await inside(`select watch_table('results', 'CLAUDE_1')`)).stderr).toContain(
			'only a human may watch tables',
		);
		expect(await home.output(['sql', 'select current_user as me'])).toContain('postgres');
		expect(await home.json<object[]>(['sql', 'select note from results'])).toEqual([{note: 'a;b'}]);
	});

	test('is its own through the management API with its token', async () => {
		const {url} = await home.json<{url: string}>(['hub', 'status']);
		const {token} = JSON.parse(readFileSync(join(home.path, 'data/agents/CLAUDE_1.json'), 'utf8')) as {token: string};
		const ask = async (path: string, body: object): Promise<[number, unknown]> => {
			const response = await fetch(`${url}/v1/projects/local/database/${path}`, {
				method: 'POST',
				headers: {authorization: `Bearer ${token}`, 'content-type': 'application/json'},
				body: JSON.stringify(body),
			});
			return [response.status, await response.json()];
		};
		expect(await ask('query', {query: 'select $1 as a, $2::int as b', parameters: ['x', 2]})).toEqual([
			201,
			[{a: 'x', b: 2}],
		]);
		expect(await ask('query', {query: 'select 9007199254740993 as big; -- the end'})).toEqual([
			201,
			[{big: '9007199254740993'}],
		]);
		expect(
			await ask('query', {query: `insert into messages (content) values ('[CLAUDE_1] x')`, read_only: true}),
		).toEqual([400, {message: expect.stringContaining('read-only transaction') as string}]);
		const forged = {
			query: `insert into messages (content) values ('[CLAUDE_1] kept not'); insert into messages (content) values ('[HUMAN] x')`,
		};
		expect((await ask('query', forged))[0]).toBe(400);
		expect(await ask('query', {query: `select id from messages where body = 'kept not'`})).toEqual([201, []]);
		expect((await ask('migrations', {query: 'select 1', name: 'x'}))[0]).toBe(403);
	});

	test('ends with its revocation', async () => {
		await home.output(['agents', 'revoke', 'CLAUDE_1']);
		expect((await home.run(['sql', 'select 1'], {cwd: folder})).stderr).toMatch(/revoked|refuse/);
		await home.output(['agents', 'restore', 'CLAUDE_1']);
	});

	test("is the owner's if a human says so, who can see and undo it", async () => {
		const owned = join(home.path, 'two');
		mkdirSync(owned);
		const refused = await home.run(['join', 'MIGRATOR', '--dir', owned, '--owner-sql'], {env: {CLAUDECODE: '1'}});
		expect({code: refused.code, stderr: refused.stderr}).toEqual({
			code: 1,
			stderr: expect.stringContaining('only a human can use --owner-sql') as string,
		});
		const {stderr} = await home.run(['join', 'MIGRATOR', '--dir', owned, '--owner-sql']);
		expect(stderr).toContain('MIGRATOR now runs SQL as the owner: it can change anything, write as anyone');
		const client = await connect(entryIn(owned), owned);
		expect((await sql(client, 'select current_user')).text).toContain('postgres');
		expect(await call(client, 'apply_migration', {name: 'add', query: 'create table added (a int)'})).toMatchObject({
			isError: false,
		});
		await client.close();
		expect(await home.output(['agents'])).toMatch(/MIGRATOR .*owner SQL/);
		expect(await home.json<object[]>(['agents'])).toMatchObject([
			{tag: 'CLAUDE_1', owner_sql: false},
			{tag: 'MIGRATOR', owner_sql: true},
		]);
		await home.output(['join', 'MIGRATOR', '--dir', owned]);
		expect(await home.output(['agents'])).not.toContain('owner SQL');
		const again = await connect(entryIn(owned), owned);
		expect((await sql(again, 'select current_user')).text).toContain('agent_MIGRATOR');
		await again.close();
	});
});

describe('the SQL of an agent on a Supabase project', () => {
	let hub: TestHub;
	let project: Hosted;
	let home: Home;
	let folder: string;
	beforeAll(async () => {
		hub = await startTestHub();
		project = await startHosted(hub);
		home = await Home.make();
		folder = join(home.path, 'project');
		mkdirSync(folder);
	}, 60_000);
	afterAll(async () => {
		await home.dispose();
		project.stop();
		await hub.stop();
	});
	const configure = (keys: Record<string, string>): void => {
		const lines = Object.entries({url: project.url, ...keys}).map(([name, value]) => `${name} = "${value}"\n`);
		writeFileSync(join(home.path, 'config.toml'), `[supabase]\n${lines.join('')}`, {mode: 0o600});
	};

	test('needs nothing but its own signed-in token', async () => {
		configure({secret_key: hub.serviceRoleKey, publishable_key: hub.anonKey});
		expect(await home.output(['join', 'CLAUDE_1', '--dir', folder])).not.toContain('secret key');
		configure({publishable_key: hub.anonKey});
		const client = await connect(entryIn(folder), folder);
		expect(
			(await sql(client, `insert into messages (content) values ('[CLAUDE_1] afar') returning author_tag, verified`))
				.text,
		).toContain('true');
		expect((await sql(client, 'select current_user')).text).toContain('agent_CLAUDE_1');
		expect((await sql(client, 'delete from messages')).text).toContain('permission denied for table messages');
		expect(await call(client, 'list_tables', {schemas: ['public']})).toMatchObject({isError: false});
		await client.close();
		expect(await home.output(['sql', 'select current_user as me'], {cwd: folder})).toContain('agent_CLAUDE_1');
		const {stderr} = await home.run(['sql', 'select 1']);
		expect(stderr).toContain('is not a hosted project');
	});

	test('says that the agent would have a secret key, and what to do', async () => {
		configure({secret_key: hub.serviceRoleKey});
		expect(await home.output(['join', 'CLAUDE_1', '--dir', folder])).toContain(
			'That is a secret key, which gives CLAUDE_1 full access',
		);
	});

	test("cannot be the owner's without a personal access token, and then nothing changes", async () => {
		configure({secret_key: hub.serviceRoleKey, publishable_key: hub.anonKey});
		const before = readFileSync(join(home.path, 'data/agents/CLAUDE_1.json'), 'utf8');
		expect((await home.run(['join', 'CLAUDE_1', '--dir', folder, '--owner-sql'])).code).toBe(1);
		expect(readFileSync(join(home.path, 'data/agents/CLAUDE_1.json'), 'utf8')).toBe(before);
	});
});
