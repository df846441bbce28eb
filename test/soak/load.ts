import {spawn, type ChildProcess} from 'node:child_process';
import {setTimeout as sleep} from 'node:timers/promises';
import {connectMailbox} from '../../source/gateway/connect.ts';
import {transportTo} from '../../source/hub/local/transport.ts';
import {addressOf} from '../faults/on-engine.ts';
import {fire, placeAgent} from '../helpers/hook.ts';
import type {TestHub} from '../helpers/hub.ts';
import {cli, Home} from '../helpers/program.ts';
import {spawn as spawnTerminal} from '../helpers/terminal.ts';
import {fill} from './fill.ts';

/** What works on a hub, at a modest rate. */
export interface Load {
	readonly screen: number;
	readonly tail: number;
	/** How often each was done so far. */
	readonly done: {messages: number; hooks: number; tasks: number; shown: number};
	/** What failed, by its message; on a machine that is busy with other things a hook may give up. */
	readonly failed: Map<string, number>;
	end(): Promise<void>;
}

const tags = ['SOAK_1', 'SOAK_2', 'SOAK_3', 'SOAK_4', 'SOAK_5'];
/** Each second. */
export const rates = {messages: 10, hooks: 5, tasks: 0.2, acks: 0.5};
/** What may be under way of one kind: beyond it, a slow machine does less, and says so. */
const atOnce = 4;

/** Opens the screen and tail, fills what is bounded in them, and begins. `env`: more for their environments; `own`: for the screen's alone. */
export async function startLoad(
	hub: TestHub,
	env: {readonly [name: string]: string},
	own: {readonly [name: string]: string} = {},
): Promise<Load> {
	const address = await addressOf(hub);
	const failed = new Map<string, number>();
	const done = {messages: 0, hooks: 0, tasks: 0, shown: 0};
	const ending = new AbortController();
	const mailboxes = tags.map(tag => {
		const token = hub.tokenFor(tag);
		placeAgent(hub.home, tag, {key: hub.anonKey, token});
		return connectMailbox({url: hub.url, key: hub.anonKey, token, transport: transportTo(address)});
	});

	const screen = spawnTerminal([process.execPath, cli], {
		cols: 200,
		rows: 50,
		cwd: hub.home,
		env: {...env, ...own, AGENTMUX_HOME: hub.home, TERM: 'xterm-256color'},
	});
	const tail: ChildProcess = spawn(process.execPath, [cli, 'tail', '--follow', '--json'], {
		env: Home.at(hub.home).env(env),
		cwd: hub.home,
		stdio: ['ignore', 'pipe', 'ignore'],
	});
	tail.stdout?.setEncoding('utf8').on('data', (text: string) => (done.shown += text.split('\n').length - 1));

	const of = <T>(list: readonly T[], nth: number): T => list[nth % list.length]!;
	const tailShows = async (count: number): Promise<void> => {
		for (let waited = 0; done.shown < count; waited += 100) {
			if (waited > 120_000) throw new Error(`tail showed ${done.shown} of ${count} messages.`);
			await sleep(100);
		}
	};
	const endPrograms = async (): Promise<void> => {
		tail.kill('SIGKILL');
		screen.kill('SIGKILL');
		await screen.exited;
	};
	try {
		await screen.waitFor('live', 60_000);
		const content = `[${tags[0]}] tail follows once it shows this`;
		await of(mailboxes, 0).post({content, client_id: crypto.randomUUID()});
		await tailShows(1);
		await fill(hub, tags, mailboxes, messages => tailShows(1 + messages));
	} catch (error) {
		await endPrograms();
		throw error;
	}
	done.shown = 0;

	/** Does it so often a second, until the end. */
	const regularly = (rate: number, work: (nth: number) => Promise<void>): Promise<void>[] =>
		Array.from({length: atOnce}, async (_, lane) => {
			for (let turn = 0; !ending.signal.aborted; turn += 1) {
				const begun = performance.now();
				await work(turn * atOnce + lane).catch((error: unknown) => {
					const message = (error as Error).message.slice(0, 100);
					failed.set(message, (failed.get(message) ?? 0) + 1);
				});
				const rest = Math.max(0, (1000 * atOnce) / rate - (performance.now() - begun));
				await sleep(rest, undefined, {signal: ending.signal}).catch(() => undefined);
			}
		});
	const lanes = [
		...regularly(rates.messages, async nth => {
			const [from, to] = [of(tags, nth), of(tags, nth + 1 + (nth % 3))];
			await of(mailboxes, nth).post({
				content: `[${from}] @${to} message ${nth}: the build is green, the tests take ${nth % 97} s`,
				client_id: crypto.randomUUID(),
			});
			done.messages += 1;
		}),
		...regularly(rates.hooks, async nth => {
			const event = of(['UserPromptSubmit', 'PostToolBatch', 'PostToolBatch', 'Stop'], Math.floor(nth / tags.length));
			const {stderr, code} = await fire({home: hub.home, tag: of(tags, nth), event});
			if (code !== 0) throw new Error(`a hook exited ${code}: ${stderr}`);
			done.hooks += 1;
		}),
		...regularly(rates.acks, async nth => {
			const mailbox = of(mailboxes, nth);
			const open = await mailbox.inbox(of(tags, nth), {limit: 500});
			const receipts = await mailbox.receipts(open.map(({id}) => id));
			const given = receipts.filter(({reader, state}) => reader === of(tags, nth) && state === 'delivered');
			if (given.length > 0)
				await mailbox.ack(
					given.map(({message_id}) => message_id),
					'mcp',
				);
		}),
		...regularly(rates.tasks, async nth => {
			const mailbox = of(mailboxes, nth);
			await mailbox.tasks.add({title: `task ${nth}`});
			const task = await mailbox.tasks.claim();
			if (task === null) return;
			await mailbox.tasks.finish(task.id, task.lease_token, {ok: true});
			done.tasks += 1;
		}),
	];
	return {
		screen: screen.pid,
		tail: tail.pid ?? 0,
		done,
		failed,
		async end() {
			ending.abort();
			await Promise.all(lanes);
			await Promise.all(mailboxes.map(mailbox => mailbox.close()));
			await endPrograms();
		},
	};
}
