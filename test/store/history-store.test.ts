import {afterEach, describe, expect, it} from 'vitest';
import {createMailboxStore, type MailboxStore} from '../../source/store/mailbox-store.ts';
import {stepAt} from '../../source/store/replay.ts';
import {memoryMailbox} from '../helpers/memory-mailbox.ts';
import {MemoryServer} from '../helpers/memory-server.ts';

const stores: MailboxStore[] = [];
afterEach(async () => {
	await Promise.all(stores.splice(0).map(store => store.close()));
});

async function open(server: MemoryServer): Promise<MailboxStore> {
	const store = createMailboxStore(memoryMailbox(server, {tag: 'HUMAN', kind: 'human'}));
	stores.push(store);
	await store.ready;
	store.history.open();
	return store;
}

/** Resolves once it holds, whatever is read or heard meanwhile; times out with the test. */
async function until(holds: () => boolean): Promise<void> {
	while (!holds()) await new Promise(resolve => setTimeout(resolve, 5));
}

describe('the history store', () => {
	it("begins with the store's messages and is read backwards in pages, each message once", async () => {
		const server = new MemoryServer();
		let at = Date.parse('2026-11-20T10:00:00Z');
		server.clock = () => at;
		for (let number = 1; number <= 3500; number++) {
			at += 1000;
			server.insert(`[A] ${number}`);
		}
		const {history: past} = await open(server);
		expect(past.marks.list).toHaveLength(500);
		past.reach(at - 1_500_000);
		await until(() => past.from <= at - 1_500_000);
		expect(past.marks.list).toHaveLength(2000);
		past.reach(0);
		await until(() => !past.isReading);
		expect(past.marks.list.map(({id}) => id)).toEqual(Array.from({length: 3500}, (_, index) => index + 1));
		expect(past.from).toBe(0);
		past.close();
		expect(past.marks.list).toEqual([]);
	});

	it('includes what arrives meanwhile', async () => {
		const server = new MemoryServer();
		const store = await open(server);
		const {history: past} = store;
		past.reach(0);
		await until(() => !past.isReading && store.getState().connection.phase === 'live');
		const agent = memoryMailbox(server, {tag: 'A'});
		await agent.touch({presence: 'working'});
		const {id} = await agent.tasks.add({title: 'work'});
		const claimed = await agent.tasks.claim();
		await agent.tasks.finish(id, claimed!.lease_token, {ok: true});
		server.insert('[A] done');
		await until(() => past.marks.list.length === 1 && past.replay.tasks.get(id)?.at(-1)?.state === 'done');
		expect(past.replay.agents.get('A')?.[0]?.state).toBe('working');
	});

	it('forgets the oldest while it stays open', async () => {
		const server = new MemoryServer();
		let at = Date.parse('2026-11-20T10:00:00Z');
		server.clock = () => at;
		const store = await open(server);
		const {history: past} = store;
		past.reach(0);
		await until(() => !past.isReading && store.getState().connection.phase === 'live');
		for (let number = 1; number <= 56_000; number++) {
			at += 1000;
			server.insert(`[A] ${number}`);
			if (number % 2000 === 0) await until(() => past.marks.get(number) !== undefined);
		}
		// What changed while the line was down is read once the first sight of the live connection is taken in.
		await until(() => !past.isReading);
		const [oldest] = past.marks.list;
		expect(past.marks.list.length).toBeLessThan(55_000);
		expect(past.marks.list.map(({id}) => id)).toEqual(
			Array.from({length: past.marks.list.length}, (_, index) => 56_001 - past.marks.list.length + index),
		);
		expect(past.marks.get(1)).toBeUndefined();
		expect([past.from, past.isFull]).toEqual([oldest?.at, true]);

		const agent = memoryMailbox(server, {tag: 'A'});
		for (let number = 1; number <= 22_500; number++) {
			at += 1000;
			await agent.touch({presence: number % 2 === 0 ? 'working' : 'idle'});
			// Whoever draws looks that often.
			expect(past.marks.list.at(-1)?.id).toBe(56_000);
		}
		expect(past.replay.agents.get('A')?.length).toBeLessThan(22_010);
		expect(past.from).toBeGreaterThan(at - 22_000_000);
	});

	it('reads again what changed while the connection was down', async () => {
		const server = new MemoryServer();
		const agent = memoryMailbox(server, {tag: 'A'});
		const {id} = await agent.tasks.add({title: 'work'});
		const store = await open(server);
		const {history: past} = store;
		past.reach(0);
		await until(() => !past.isReading && store.getState().connection.phase === 'live');
		server.outage();
		await until(() => store.getState().connection.phase === 'offline' && past.marks.list.length === 0);
		const claimed = server.tasks.claim({}, 'A');
		server.tasks.finish(id, claimed!.lease_token, 'A', {ok: true});
		server.recover();
		await until(() => past.replay.tasks.get(id)?.some(({state}) => state === 'running') === true);
		expect(past.replay.tasks.get(id)?.at(-1)?.state).toBe('done');
	});

	it('reports why it could not be read, and reads again on request', async () => {
		const server = new MemoryServer();
		server.insert('[A] hello');
		const store = await open(server);
		const {history: past} = store;
		server.outage('The line is down.');
		past.reach(0);
		await until(() => !past.isReading);
		expect(past.trouble).toContain('The line is down.');
		server.recover();
		await until(() => store.getState().connection.phase === 'live');
		past.reach(0);
		await until(() => past.from === 0 && !past.isReading);
		expect(past.trouble).toBeNull();
	});

	it('knows a task that the store has forgotten, and when it was what', async () => {
		const server = new MemoryServer();
		const agent = memoryMailbox(server, {tag: 'A'});
		await agent.tasks.add({title: 'the first'});
		await agent.tasks.claim();
		for (let number = 0; number < 250; number++) await agent.tasks.add({title: `task ${number}`});
		const store = await open(server);
		const {history: past} = store;
		expect(store.getState().tasks.has(1)).toBe(false);
		past.reach(0);
		await until(() => past.from === 0);
		expect(past.task(1)?.title).toBe('the first');
		expect(stepAt(past.replay.tasks.get(1), Date.now())).toMatchObject({state: 'running', tag: 'A'});
	});
});
