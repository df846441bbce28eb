import {once} from 'node:events';
import {connectMailbox} from '../../source/gateway/connect.ts';
import {createMailboxStore} from '../../source/store/mailbox-store.ts';
import {startAgent} from '../helpers/mcp.ts';
import {Home} from '../helpers/program.ts';
import {messagesIn} from '../helpers/shown.ts';
import type {Address} from './writers.ts';
import {onLine} from './lines.ts';

/** Somebody who follows the mailbox, and the ids that it was shown, in the order in which it was. */
export interface Follower {
	readonly name: string;
	/** `stream`: what it was shown stays as it was. `list`: it puts in order what it knows. `mail`: handed over, at least once. */
	readonly kind: 'stream' | 'list' | 'mail';
	readonly shown: readonly number[];
	/** What went wrong and should not have. */
	readonly troubles: readonly string[];
	stop(): Promise<void>;
}

/** How a program of ours is pointed at a Supabase under that address. */
function environment({url, serviceRoleKey}: Address): Record<string, string> {
	return {SUPABASE_URL: url, SUPABASE_SECRET_KEY: serviceRoleKey};
}

/** `agentmux tail --follow --json`, the built program, from the beginning. Resolves when it has printed a message. */
export async function followByTail(home: string, hub: Address): Promise<Follower> {
	const child = Home.at(home).start(['tail', '--follow', '--json', '--since', '0'], {env: environment(hub)});
	const shown: number[] = [];
	const troubles: string[] = [];
	let said = '';
	child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
	const closed = once(child, 'close');
	const first = new Promise<void>((resolve, reject) => {
		onLine(child.stdout, line => {
			shown.push((JSON.parse(line) as {id: number}).id);
			resolve();
		});
		child.once('exit', code => {
			if (code !== null) troubles.push(`tail ended with ${code}: ${said}`);
			reject(new Error(`tail ended with ${code}: ${said}`));
		});
	});
	await first;
	return {
		name: 'tail',
		kind: 'stream',
		shown,
		troubles,
		async stop() {
			child.kill('SIGKILL');
			await closed;
		},
	};
}

/** What the screen shows: its store, on a connection of its own. */
export async function followByStore(hub: Address): Promise<Follower> {
	const store = createMailboxStore(connectMailbox({url: hub.url, key: hub.serviceRoleKey, actingTag: 'HUMAN'}));
	const shown: number[] = [];
	const troubles: string[] = [];
	let before: readonly {readonly id: number}[] = [];
	const known = new Set<number>();
	const look = (): void => {
		const {messages} = store.getState();
		if (messages === before) return;
		before = messages;
		let last = 0;
		for (const {id} of messages) {
			if (id <= last) troubles.push(`the screen's list has ${id} after ${last}`);
			last = id;
			if (known.has(id)) continue;
			known.add(id);
			shown.push(id);
		}
	};
	store.subscribe(look);
	await store.ready;
	look();
	return {name: 'screen', kind: 'list', shown, troubles, stop: () => store.close()};
}

/** The agent's MCP server, the built program, asked for its mail again and again. */
export async function followByMcp(home: string, hub: Address, tag: string): Promise<Follower> {
	const agent = await startAgent(home, tag, environment(hub));
	const shown: number[] = [];
	const troubles: string[] = [];
	const stopped = new AbortController();
	const work = async (): Promise<void> => {
		while (!stopped.signal.aborted) {
			// The agent gets an error that the mailbox is unavailable, and asks again.
			const {text, isError} = await agent.call('wait_for_message', {timeout_seconds: 5, limit: 50});
			if (!isError) shown.push(...messagesIn({text}).map(({id}) => id));
		}
	};
	const working = work().catch((error: unknown) => {
		if (!stopped.signal.aborted) troubles.push(`the MCP server: ${String(error)} ${agent.stderr()}`);
	});
	return {
		name: 'MCP server',
		kind: 'mail',
		shown,
		troubles,
		async stop() {
			stopped.abort();
			await agent.close();
			await working;
		},
	};
}
