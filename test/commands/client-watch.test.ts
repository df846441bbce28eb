import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test, vi} from 'vitest';
import {ClientWatch} from '../../source/commands/serve/client-watch.ts';
import {SessionFile} from '../../source/join/hook/hook-session.ts';
import {bellFile, isFlagged} from '../../source/join/hook/bell.ts';
import {missedFile, noteMissed} from '../../source/join/hook/missed.ts';
import type {AgentUpdate} from '../../source/mailbox/agent.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import {memoryMailbox} from '../helpers/memory-mailbox.ts';
import {MemoryServer} from '../helpers/memory-server.ts';

let home: string;
let server: MemoryServer;
let mailbox: Mailbox;
let signs: Pick<AgentUpdate, 'presence' | 'quiet'>[];
let calls: string[];
/** How often the mailbox came back. */
let returned: number;
let watch: ClientWatch;

const client = 'host:46.sock';
const env = (): NodeJS.ProcessEnv => ({
	HOME: home,
	CLAUDE_CODE_ENTRYPOINT: 'cli',
	CLAUDE_CODE_MESSAGING_SOCKET: '/tmp/cc-socks/46.sock',
});
const bell = (): string => bellFile(home, 'CLAUDE_1');
/** What the client says that it does, since long ago. */
const report = (status: string): void =>
	writeFileSync(
		join(home, '.claude/sessions/46.json'),
		JSON.stringify({messagingSocketPath: '/tmp/cc-socks/46.sock', status, statusUpdatedAt: 1}),
	);

beforeEach(() => {
	vi.useFakeTimers({toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance']});
	home = mkdtempSync(join(tmpdir(), 'agentmux-watch-'));
	mkdirSync(join(home, '.claude/sessions'), {recursive: true});
	server = new MemoryServer();
	signs = [];
	calls = [];
	returned = 0;
	const inMemory = memoryMailbox(server, {tag: 'CLAUDE_1'});
	mailbox = {
		...inMemory,
		release: async id => void calls.push(`release ${id}`),
		giveBack: async session => void calls.push(`give back ${session}`),
		endTurn: async session => void calls.push(`end turn ${session}`),
	};
	watch = new ClientWatch({
		env: env(),
		tag: 'CLAUDE_1',
		client,
		bell: bell(),
		hooks: join(home, 'hooks'),
		quiet: () => 60,
		mailbox: async () => mailbox,
		async sign(update) {
			signs.push(update);
			await mailbox.touch({session: client, wake: watch.wake, ...update});
		},
		say: error => expect.unreachable(String(error)),
		restore: () => void calls.push('restore'),
		onWaiting: () => undefined,
		onUnreachable: () => calls.push('unreachable'),
	});
});
afterEach(async () => {
	watch.end();
	await mailbox.close();
	vi.useRealTimers();
	rmSync(home, {recursive: true, force: true});
});

async function pass(milliseconds: number): Promise<void> {
	await vi.advanceTimersByTimeAsync(milliseconds);
	for (let turn = 0; turn < 40; turn += 1) {
		await new Promise(resolve => {
			setImmediate(resolve);
		});
	}
}
async function start(): Promise<void> {
	await mailbox.touch({session: client, wake: 'bell', presence: 'idle'});
	watch.start(mailbox, {onAgent: agent => watch.onAgent(agent), onReturn: () => void (returned += 1)});
	await pass(0);
}

test('what hooks missed is made good for within two seconds: the lease, the end of the turn, the presence', async () => {
	report('idle');
	noteMissed(missedFile(bell(), client), {event: 'PostToolBatch', take: '12-34'});
	noteMissed(missedFile(bell(), client), {event: 'Stop'});
	await pass(2000);
	expect(calls).toEqual(['release 12-34', `end turn ${client}`]);
	expect(signs).toEqual([{presence: 'idle'}]);
	await pass(10_000);
	expect(signs).toHaveLength(1);
});

test('a failed turn of which no hook could say so gives its mail back', async () => {
	report('busy');
	noteMissed(missedFile(bell(), client), {event: 'StopFailure'});
	await pass(2000);
	expect(calls).toEqual([`give back ${client}`]);
	expect(signs).toEqual([{presence: 'working'}]);
});

test('an interrupted turn leaves the client in peace, and gives back what it has not read', async () => {
	report('idle');
	new SessionFile(join(home, 'hooks'), client).change({working: true});
	await start();
	await mailbox.touch({session: client, presence: 'working'});
	await pass(3000);
	expect(signs).toEqual([{presence: 'idle', quiet: 60}]);
	expect(calls).toEqual([`give back ${client}`]);
});

test('that mail waits is flagged for the hooks, and for nobody longer than it does', async () => {
	new SessionFile(join(home, 'hooks'), client).change({working: true});
	await start();
	await mailbox.touch({session: client, presence: 'working'});
	server.insert('[SENDER] @CLAUDE_1 hello');
	await pass(100);
	expect(isFlagged(bell())).toBe(true);
	await mailbox.deliver(
		(await mailbox.take({route: 'hook'})).map(({id}) => id),
		'hook',
	);
	await pass(60_000);
	expect(isFlagged(bell())).toBe(false);
});

test('a client that runs no hooks cannot be woken, and its tools say what waits', async () => {
	await start();
	watch.onRequest();
	server.insert('[SENDER] @CLAUDE_1 one');
	server.insert('[SENDER] @CLAUDE_1 two');
	await pass(1000);
	expect(watch.note).toBeNull();
	await pass(15_000);
	expect(calls).toContain('unreachable');
	expect(watch.wake).toBe('none');
	expect(watch.note).toBe('2 new messages: check_messages.');
});

test('where mail waits, what hooks need is put back, and the bell is rung', async () => {
	await start();
	expect(calls).toEqual([]);
	const before = readFileSync(bell(), 'utf8');
	server.insert('[SENDER] @CLAUDE_1 one');
	await pass(100);
	expect(calls).toContain('restore');
	expect(readFileSync(bell(), 'utf8')).not.toBe(before);
});

test('a client whose first hook came late can be woken from then on', async () => {
	await start();
	watch.onRequest();
	await pass(16_000);
	expect(watch.wake).toBe('none');
	new SessionFile(join(home, 'hooks'), client).change({working: false});
	await pass(2000);
	expect(watch.wake).toBe('bell');
	expect(signs).toEqual([{}, {}]);
	server.insert('[SENDER] @CLAUDE_1 one');
	await pass(1000);
	expect(watch.note).toBeNull();
});

test('signs again when the mailbox is back, which may have ended the session', async () => {
	await start();
	expect(returned).toBe(0);
	server.outage();
	await pass(100);
	server.recover();
	await pass(10_000);
	expect(returned).toBe(1);
});
