import {spawn, type ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {join} from 'node:path';
import {afterAll, beforeAll, beforeEach, describe, expect, test, vi} from 'vitest';
import {connectMailbox} from '../../source/gateway/connect.ts';
import {runSql} from '../../source/gateway/management.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import type {Receipt} from '../../source/mailbox/receipt.ts';
import {openFullPipe} from '../helpers/full-pipe.ts';
import {fire, hookProgram, placeAgent} from '../helpers/hook.ts';
import {startTestHub, type TestHub} from '../helpers/hub.ts';

let hub: TestHub;
let sender: Mailbox;
let count = 0;
/** A tag of its own for each test. */
let me: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
	hub = await startTestHub();
	sender = connectMailbox({url: hub.url, key: hub.anonKey, token: hub.tokenFor('SENDER')});
});
afterAll(async () => {
	for (const child of children) child.kill('SIGKILL');
	await sender.close();
	await hub.stop();
});
beforeEach(() => {
	count += 1;
	me = `AGENT_${count}`;
	placeAgent(hub.home, me, {key: hub.anonKey, token: hub.tokenFor(me)});
});

const post = (text: string) => sender.post({content: `[SENDER] @${me} ${text}`});
const receipt = async (id: number): Promise<Receipt | undefined> =>
	(await sender.receipts([id])).find(({reader}) => reader === me);
const sql = (query: string) => runSql({url: hub.url, project_ref: 'local', token: hub.serviceRoleKey}, query);
const lapse = () => sql(`update receipts set lease_until = now() where reader = '${me}' and lease_until is not null`);
/** What a hook that works says, in another session. */
const next = async (): Promise<string> => (await fire({home: hub.home, tag: me, event: 'PostToolBatch'})).stdout;

/** A hook whose output goes to `stdout`. */
function broken(stdout: number | 'pipe', timeout = '20000'): ChildProcess {
	const child = spawn(process.execPath, [hookProgram, 'PostToolBatch', '--as', me], {
		env: {...process.env, AGENTMUX_HOME: hub.home, AGENTMUX_HOOK_TIMEOUT: timeout},
		stdio: ['pipe', stdout, 'ignore'],
	});
	children.push(child);
	child.stdin?.end(JSON.stringify({session_id: 'broken'}));
	return child;
}

describe('a message that hooks take and cannot hand over', () => {
	test('is not stuck if they were killed before the flush, however often: the next one gets it', async () => {
		const {id} = await post('offered for ever');
		const pipe = openFullPipe(join(hub.home, `${me}.pipe`));
		for (let kill = 1; kill <= 7; kill += 1) {
			const child = broken(pipe.fd);
			await vi.waitFor(async () => expect(await receipt(id)).toMatchObject({takes: kill}), {timeout: 20_000});
			child.kill('SIGKILL');
			await once(child, 'exit');
			await lapse();
		}
		pipe.close();
		expect(await receipt(id)).toMatchObject({state: 'taken', attempts: 0, takes: 7, delivered_at: null});
		expect(await next()).toMatch(new RegExp(`#${id} from SENDER [^:]*:[^\\n]*, again \\(2nd\\):`));
		expect(await receipt(id)).toMatchObject({state: 'delivered', attempts: 1, takes: 0});
	});

	test('is released immediately if nobody reads, and delays the next one only if that goes on', async () => {
		const {id} = await post('nobody reads');
		const closed = async (): Promise<void> => {
			const child = broken('pipe');
			child.stdout?.destroy();
			await once(child, 'exit');
		};
		await closed();
		expect(await receipt(id)).toMatchObject({state: 'taken', takes: 1, delivered_at: null});
		await closed();
		expect(await receipt(id)).toMatchObject({takes: 2});
		for (const [takes, seconds] of [
			[3, 2],
			[4, 4],
			[5, 8],
		] as const) {
			await lapse();
			await closed();
			const {lease_until, ...found} = (await receipt(id)) ?? {};
			expect(found).toMatchObject({state: 'taken', takes});
			const [row] = (await sql('select now() as now')) as [{now: string}];
			const left = Date.parse(lease_until ?? '') - Date.parse(row.now);
			expect(left).toBeGreaterThan(seconds * 1000 - 5000);
			expect(left).toBeLessThanOrEqual(seconds * 1000);
		}
		await lapse();
		expect(await next()).toContain(`#${id} from`);
	});

	test('is released immediately when its time is up and the pipe is still full', async () => {
		const {id} = await post('a full pipe');
		const pipe = openFullPipe(join(hub.home, `${me}.pipe`));
		const child = broken(pipe.fd, '2000');
		expect(await once(child, 'exit')).toEqual([0, null]);
		pipe.close();
		expect(await next()).toContain(`#${id} from`);
		expect(await receipt(id)).toMatchObject({state: 'delivered', attempts: 1, takes: 0});
	});

	test('is handed over where a full pipe is read in time', async () => {
		const {id} = await post('a slow reader');
		const pipe = openFullPipe(join(hub.home, `${me}.pipe`));
		const child = broken(pipe.fd);
		await vi.waitFor(async () => expect(await receipt(id)).toMatchObject({state: 'taken'}), {timeout: 20_000});
		pipe.drain();
		await once(child, 'exit');
		pipe.close();
		expect(await receipt(id)).toMatchObject({state: 'delivered', attempts: 1, takes: 0});
		expect(await next()).toBe('');
	});
});

test('a hook with too little time left takes nothing', async () => {
	const {id} = await post('waits');
	await fire({home: hub.home, tag: me, event: 'PostToolBatch', env: {AGENTMUX_HOOK_TIMEOUT: '30'}});
	expect(await receipt(id)).toBeUndefined();
	expect(await next()).toContain(`#${id} from`);
});
