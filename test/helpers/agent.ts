import {spawn} from 'node:child_process';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {Client} from '@modelcontextprotocol/sdk/client/index.js';
import {StdioClientTransport} from '@modelcontextprotocol/sdk/client/stdio.js';
import type {CallToolResult} from '@modelcontextprotocol/sdk/types.js';
import type {Called} from './mcp.ts';
import type {Home} from './program.ts';

type Name = 'agentmux' | 'supabase';

/** A client like Claude Code, with no model in it: starts the servers and hooks exactly as the files in a joined folder say. */
export class PlayedAgent {
	readonly #home: Home;
	readonly #folder: string;
	readonly #servers = new Map<Name, {readonly client: Client; readonly pid: number}>();

	constructor(home: Home, folder: string) {
		this.#home = home;
		this.#folder = folder;
	}

	/** Calls a tool of its mailbox. */
	call(name: string, args: object = {}): Promise<Called> {
		return this.#call('agentmux', name, args);
	}

	/** Runs SQL with the stock Supabase server. */
	async sql(query: string): Promise<string> {
		const {text, isError} = await this.#call('supabase', 'execute_sql', {query});
		if (isError) throw new Error(text);
		return text;
	}

	/** Applies a migration with the stock Supabase server. */
	async migrate(name: string, query: string): Promise<void> {
		const {text, isError} = await this.#call('supabase', 'apply_migration', {name, query});
		if (isError) throw new Error(text);
	}

	/** Runs the hook of an event; resolves with the text that the model would be given by it. */
	async hook(event: string, input: object = {}): Promise<string> {
		const text = await readFile(join(this.#folder, '.claude/settings.local.json'), 'utf8');
		const {hooks} = JSON.parse(text) as {hooks: Record<string, {hooks: {command: string}[]}[]>};
		const [command = ''] = (hooks[event] ?? []).flatMap(entry => entry.hooks.map(hook => hook.command));
		// A busy machine must not make it give up.
		const env = {...this.#home.env({AGENTMUX_HOOK_TIMEOUT: '10000'}), AGENTMUX_HOME: undefined};
		const child = spawn('/bin/sh', ['-c', command], {cwd: this.#folder, env});
		let said = '';
		child.stdout.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
		child.stdin.end(JSON.stringify({session_id: 's1', hook_event_name: event, cwd: this.#folder, ...input}));
		const code = await new Promise(resolve => {
			child.once('close', resolve);
		});
		if (code !== 0) throw new Error(`The hook ${event} exited ${String(code)}.`);
		const answer = (said === '' ? {} : JSON.parse(said)) as {
			readonly reason?: string;
			readonly hookSpecificOutput?: {readonly additionalContext: string};
		};
		return answer.hookSpecificOutput?.additionalContext ?? answer.reason ?? '';
	}

	/** Kills its servers; the next call restarts them. */
	kill(): void {
		for (const {pid} of this.#servers.values()) process.kill(pid, 'SIGKILL');
		this.#servers.clear();
	}

	async close(): Promise<void> {
		await Promise.all([...this.#servers.values()].map(({client}) => client.close()));
		this.#servers.clear();
	}

	async #call(server: Name, name: string, args: object): Promise<Called> {
		const {client} = this.#servers.get(server) ?? (await this.#connect(server));
		const result = (await client.callTool({name, arguments: {...args}})) as CallToolResult;
		const [first] = result.content;
		return {
			text: first?.type === 'text' ? first.text : '',
			isError: result.isError === true,
		};
	}

	async #connect(name: Name): Promise<{readonly client: Client; readonly pid: number}> {
		const {mcpServers} = JSON.parse(await readFile(join(this.#folder, '.mcp.json'), 'utf8')) as {
			mcpServers: Record<Name, {command: string; args: string[]; env?: Record<string, string>}>;
		};
		const transport = new StdioClientTransport({...mcpServers[name], stderr: 'ignore', cwd: this.#folder});
		const client = new Client({name: 'played', version: '1'});
		await client.connect(transport);
		const connected = {client, pid: transport.pid ?? 0};
		this.#servers.set(name, connected);
		return connected;
	}
}
