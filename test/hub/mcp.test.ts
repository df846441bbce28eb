import {fileURLToPath} from 'node:url';
import {Client} from '@modelcontextprotocol/sdk/client/index.js';
import {StdioClientTransport} from '@modelcontextprotocol/sdk/client/stdio.js';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {startTestHub, type TestHub} from '../helpers/hub.ts';

const server = fileURLToPath(new URL('../../node_modules/.bin/mcp-server-supabase', import.meta.url));

let hub: TestHub;

beforeAll(async () => {
	hub = await startTestHub();
});
afterAll(() => hub.stop());

/** The stock Supabase MCP server as an agent's client starts it, pointed at the hub. */
async function connect(...flags: string[]): Promise<Client> {
	const client = new Client({name: 'test', version: '1'});
	await client.connect(
		new StdioClientTransport({
			command: process.execPath,
			args: [server, `--api-url=${hub.url}`, '--project-ref=local', '--features=database', ...flags],
			env: {PATH: process.env['PATH'] ?? '', SUPABASE_ACCESS_TOKEN: hub.serviceRoleKey},
			stderr: 'ignore',
		}),
	);
	return client;
}

async function call(
	client: Client,
	name: string,
	input: Record<string, unknown>,
): Promise<{text: string; failed: boolean}> {
	const result = await client.callTool({name, arguments: input});
	const content = result.content as ReadonlyArray<{readonly text?: string}>;
	return {text: content.map(({text}) => text ?? '').join(''), failed: result.isError === true};
}

describe('the stock Supabase MCP server', () => {
	it('inserts a message, reads it back, lists tables and applies migrations', async () => {
		const client = await connect();
		try {
			const inserted = await call(client, 'execute_sql', {
				query: `insert into messages (content) values ('[CLAUDE_1] from MCP @CLAUDE_TWIN') returning id, tag`,
			});
			expect(inserted.failed).toBe(false);
			const read = await call(client, 'execute_sql', {query: 'select body, mentions from messages'});
			expect(read.text).toContain('from MCP @CLAUDE_TWIN');
			const tables = await call(client, 'list_tables', {schemas: ['public'], verbose: true});
			expect(tables.failed).toBe(false);
			expect(tables.text).toContain('messages');
			expect(tables.text).toContain('tasks');
			const applied = await call(client, 'apply_migration', {
				name: 'add_orders',
				query: `create table orders (id bigint primary key, note text default ';'); create index on orders (note);`,
			});
			expect(applied).toMatchObject({failed: false});
			const migrations = await call(client, 'list_migrations', {});
			expect(migrations.text).toContain('add_orders');
			expect(migrations.text).toContain('20261202000400');
			const broken = await call(client, 'execute_sql', {query: 'select * from nowhere'});
			expect(broken.failed).toBe(true);
			expect(broken.text).toContain('relation \\"nowhere\\" does not exist');
		} finally {
			await client.close();
		}
	});

	it('may write nothing with --read-only', async () => {
		const client = await connect('--read-only');
		try {
			const written = await call(client, 'execute_sql', {query: `insert into messages (content) values ('[A] x')`});
			expect(written.failed).toBe(true);
			expect(written.text).toMatch(/read-only|permission denied/);
			const read = await call(client, 'list_tables', {schemas: ['public']});
			expect(read.text).toContain('messages');
		} finally {
			await client.close();
		}
	});
});
