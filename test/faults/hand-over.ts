import {spawn, type ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {connectMailbox} from '../../source/gateway/connect.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import {openFullPipe} from '../helpers/full-pipe.ts';
import {fire, hookProgram, placeAgent} from '../helpers/hook.ts';
import {startTestHub, type TestHub} from '../helpers/hub.ts';
import {startAgent} from '../helpers/mcp.ts';
import {cli} from '../helpers/program.ts';
import {messagesIn} from '../helpers/shown.ts';
import type {Fault, Outcome} from './faults.ts';
import {query} from './writers.ts';

const tag = 'READER';

interface Stage {
	readonly hub: TestHub;
	readonly sender: Mailbox;
	/** Ids of messages that were acknowledged to their sender. */
	readonly sent: number[];
	readonly post: (text?: string) => Promise<number>;
	/** Ends every lease, as if its time had passed. */
	readonly lapse: () => Promise<void>;
}

/** On a hub of the built program, with one reader; a fault does what it does, and then a hook that works reads what is left. */
async function onStage(trials: number, trouble: (stage: Stage) => Promise<readonly number[]>): Promise<Outcome> {
	const hub = await startTestHub({cli});
	const sender = connectMailbox({url: hub.url, key: hub.anonKey, token: hub.tokenFor('SENDER')});
	try {
		placeAgent(hub.home, tag, {key: hub.anonKey, token: hub.tokenFor(tag)});
		const sent: number[] = [];
		const stage: Stage = {
			hub,
			sender,
			sent,
			post: async (text = 'x') => {
				const {id} = await sender.post({content: `[SENDER] @${tag} ${text}`});
				sent.push(id);
				return id;
			},
			lapse: async () =>
				void (await query(hub, 'update receipts set lease_until = now() where lease_until is not null')),
		};
		const seen = [...(await trouble(stage))];
		const at = performance.now();
		await stage.lapse();
		let since = at;
		// A hook on a busy machine may say nothing in time: what then waits comes with a later one.
		while (sent.some(id => !seen.includes(id)) && performance.now() - since < 60_000) {
			const ids = await read(hub);
			if (ids.length > 0) since = performance.now();
			seen.push(...ids);
		}
		seen.push(...(await read(hub)));
		const lost = sent.filter(id => !seen.includes(id)).length;
		const again = seen.length - new Set(seen).size;
		const stuck = await query(hub, 'select from receipts where attempts >= 5');
		const faults = [
			...(lost > 0 ? [`${lost} messages were handed over to nobody`] : []),
			...(stuck.length > 0 ? [`${stuck.length} messages are stuck`] : []),
		];
		return {
			trials,
			acknowledged: sent.length,
			lost,
			recovered: [performance.now() - at],
			faults,
			remark: `${again} of ${sent.length} were handed over a second time, and said so`,
		};
	} finally {
		await sender.close();
		await hub.stop();
	}
}

/** The ids that a hook which works hands over. */
async function read(hub: TestHub): Promise<number[]> {
	const {stdout} = await fire({home: hub.home, tag, event: 'PostToolBatch'});
	return idsIn(stdout);
}

function idsIn(text: string): number[] {
	return [...text.matchAll(/(?:^|\\n)#(\d+) from SENDER/g)].map(([, id]) => Number(id));
}

function hook(hub: TestHub, stdout: number | 'pipe', timeout = '20000'): ChildProcess {
	const child = spawn(process.execPath, [hookProgram, 'PostToolBatch', '--as', tag], {
		env: {...process.env, AGENTMUX_HOME: hub.home, AGENTMUX_HOOK_TIMEOUT: timeout},
		stdio: ['pipe', stdout, 'ignore'],
	});
	child.stdin?.on('error', () => undefined).end(JSON.stringify({session_id: 'broken'}));
	return child;
}

const killed: Fault = {
	what: 'hooks killed at any moment, before the flush and after it',
	trials: 6,
	longTrials: 40,
	run: trials =>
		onStage(trials, async ({hub, post, lapse}) => {
			const seen: number[] = [];
			for (let trial = 0; trial < trials; trial += 1) {
				await post();
				const child = hook(hub, 'pipe');
				const closed = once(child, 'close');
				let said = '';
				child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
				await sleep(30 + Math.random() * 200);
				child.kill('SIGKILL');
				await closed;
				seen.push(...idsIn(said));
				await lapse();
			}
			return seen;
		}),
};

const fullPipes: Fault = {
	what: 'hooks whose pipe is full, until they time out',
	trials: 5,
	waits: true,
	run: trials =>
		onStage(trials, async ({hub, post, lapse}) => {
			await post();
			for (let trial = 0; trial < trials; trial += 1) {
				const path = join(hub.home, `pipe-${trial}`);
				const pipe = openFullPipe(path);
				await once(hook(hub, pipe.fd, '1500'), 'exit');
				pipe.close();
				rmSync(path);
				await lapse();
			}
			return [];
		}),
};

const closedPipes: Fault = {
	what: 'hooks that nobody reads',
	trials: 5,
	run: trials =>
		onStage(trials, async ({hub, post, lapse}) => {
			await post();
			for (let trial = 0; trial < trials; trial += 1) {
				const child = hook(hub, 'pipe');
				child.stdout?.destroy();
				await once(child, 'exit');
				await lapse();
			}
			return [];
		}),
};

const large: Fault = {
	what: '20 messages of 262,144 bytes for hooks on a busy machine',
	long: true,
	trials: 1,
	seconds: 15,
	run: trials =>
		onStage(trials, async ({hub, post, lapse}) => {
			const lead = `[SENDER] @${tag} `;
			for (let n = 0; n < 20; n += 1) await post('x'.repeat(262_144 - lead.length));
			const busy = Array.from({length: 3}, () => spawn(process.execPath, ['-e', 'for (;;);'], {stdio: 'ignore'}));
			const seen: number[] = [];
			try {
				for (let n = 0; n < 4; n += 1) {
					const env = {AGENTMUX_HOOK_TIMEOUT: ''};
					const {stdout} = await fire({home: hub.home, tag, event: 'PostToolBatch', env});
					seen.push(...idsIn(stdout));
				}
			} finally {
				for (const child of busy) child.kill('SIGKILL');
			}
			await lapse();
			return seen;
		}),
};

const servers: Fault = {
	what: 'MCP servers killed, or left by their client, while they answer',
	trials: 4,
	longTrials: 10,
	run: trials =>
		onStage(trials, async ({hub, post, lapse}) => {
			const seen: number[] = [];
			for (let trial = 0; trial < trials; trial += 1) {
				await post();
				const agent = await startAgent(hub.home, tag);
				const asked = agent.call('check_messages').then(
					answer => seen.push(...messagesIn(answer).map(({id}) => id)),
					() => undefined,
				);
				await sleep(Math.random() * 60);
				if (trial % 2 === 0) process.kill(agent.pid, 'SIGKILL');
				await agent.close();
				await asked;
				await lapse();
			}
			return seen;
		}),
};

export const handOverFaults: readonly Fault[] = [killed, fullPipes, closedPipes, large, servers];
