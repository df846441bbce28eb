import path from 'node:path';
import {isDeepStrictEqual} from 'node:util';
import {Client} from '@modelcontextprotocol/sdk/client/index.js';
import {StdioClientTransport} from '@modelcontextprotocol/sdk/client/stdio.js';
import {callerHeaders} from './caller.ts';
import {type Engine} from './engine.ts';
import {installed} from './installed.ts';

/** One call of a tool, and what it must give: the JSON of its text, or a part of it. */
interface Step {
	readonly tool: 'postgrestRequest' | 'sqlToRest';
	readonly input: {readonly [name: string]: unknown};
	readonly gives: unknown;
}

const steps: readonly Step[] = [
	{
		tool: 'sqlToRest',
		input: {sql: 'select id, title from books where pages > 300 order by id'},
		gives: {method: 'GET', path: '/books?select=id,title&pages=gt.300&order=id'},
	},
	{
		tool: 'postgrestRequest',
		input: {method: 'GET', path: '/books?select=id,title&pages=gt.400&order=id'},
		gives: [{id: 3, title: 'Excession'}],
	},
	{
		tool: 'postgrestRequest',
		input: {method: 'POST', path: '/publishers', body: {id: 3, name: 'Ace'}},
		gives: [{id: 3, name: 'Ace'}],
	},
	{
		tool: 'postgrestRequest',
		input: {method: 'PATCH', path: '/publishers?id=eq.3', body: {name: 'Tor'}},
		gives: [{id: 3, name: 'Tor'}],
	},
	{
		tool: 'postgrestRequest',
		input: {method: 'PUT', path: '/publishers?id=eq.3', body: {id: 3, name: 'Gollancz'}},
		gives: [{id: 3, name: 'Gollancz'}],
	},
	{
		tool: 'postgrestRequest',
		input: {method: 'DELETE', path: '/publishers?id=eq.3'},
		gives: [{id: 3, name: 'Gollancz'}],
	},
	{
		tool: 'postgrestRequest',
		input: {method: 'GET', path: '/nowhere'},
		gives: {
			code: 'PGRST205',
			details: null,
			hint: null,
			message: "Could not find the table 'public.nowhere' in the schema cache",
		},
	},
];

/**
 * The flows of Supabase's own MCP server for PostgREST, unmodified, against an engine. Gives how many calls were made and
 * what went wrong. Rejects when it cannot be installed.
 */
export async function checkMcp(engine: Engine): Promise<{calls: number; wrong: string[]}> {
	const folder = await installed(['@supabase/mcp-server-postgrest@0.2.0']);
	await engine.reset();
	const client = new Client({name: 'conformance', version: '1'});
	const key = callerHeaders('service_role')['authorization']?.slice('Bearer '.length) ?? '';
	await client.connect(
		new StdioClientTransport({
			command: process.execPath,
			args: [
				path.join(folder, 'node_modules/@supabase/mcp-server-postgrest/dist/stdio.js'),
				'--apiUrl',
				`${engine.url}/rest/v1`,
				'--apiKey',
				key,
				'--schema',
				'public',
			],
			stderr: 'ignore',
		}),
	);
	const wrong: string[] = [];
	try {
		for (const {tool, input, gives} of steps) {
			const {content} = await client.callTool({name: tool, arguments: input});
			const text = (content as readonly {readonly text?: string}[]).map(each => each.text ?? '').join('');
			if (!isDeepStrictEqual(resultOf(text), gives))
				wrong.push(`${tool} ${JSON.stringify(input)} gave ${text.slice(0, 400)}`);
		}
		const {resources} = await client.listResources();
		for (const {uri} of resources) {
			const {contents} = await client.readResource({uri});
			const text = contents.map(each => ('text' in each ? each.text : '')).join('');
			if (!text.includes('"/books"')) wrong.push(`${uri} does not describe the tables: ${text.slice(0, 200)}`);
		}
		return {calls: steps.length + resources.length, wrong};
	} finally {
		await client.close();
	}
}

/** The response to a request is in `result`. */
function resultOf(text: string): unknown {
	try {
		const value: unknown = JSON.parse(text);
		return typeof value === 'object' && value !== null && 'result' in value ? value.result : value;
	} catch {
		return text;
	}
}
