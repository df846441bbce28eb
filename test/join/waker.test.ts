import {afterEach, beforeEach, describe, expect, test, vi} from 'vitest';
import {startWaker, type Waker, type Way} from '../../source/join/waker.ts';
import type {AgentUpdate, Wake} from '../../source/mailbox/agent.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import {memoryMailbox} from '../helpers/memory-mailbox.ts';
import {MemoryServer} from '../helpers/memory-server.ts';

let server: MemoryServer;
let twin: Mailbox;
let sender: Mailbox;
let rung: Wake[];
let changes: (Wake | 'none')[];
let waker: Waker;
let waiting: number[];
let stalled: number;
let returns: number;

const minute = 60_000;

beforeEach(async () => {
	vi.useFakeTimers({toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance']});
	server = new MemoryServer();
	twin = memoryMailbox(server, {tag: 'CLAUDE_TWIN'});
	sender = memoryMailbox(server, {tag: 'CLAUDE_1'});
	rung = [];
	changes = [];
	waiting = [];
	stalled = 0;
	returns = 0;
	await sender.touch({});
	await twin.touch({presence: 'idle'});
});
afterEach(async () => {
	waker.end();
	await Promise.all([twin.close(), sender.close()]);
	vi.useRealTimers();
});

const way = (name: Wake, ring: () => Promise<boolean> = async () => true): Way => ({
	name,
	ring() {
		rung.push(name);
		return ring();
	},
});
const start = async (...ways: Way[]): Promise<void> => {
	waker = startWaker({
		mailbox: twin,
		tag: 'CLAUDE_TWIN',
		ways,
		onChange: change => changes.push(change),
		onWaiting: count => waiting.push(count),
		onStalled: () => (stalled += 1),
		onReturn: () => (returns += 1),
	});
	await settled();
};
const send = async (text: string): Promise<number> => {
	const {id} = await sender.post({content: `[CLAUDE_1] ${text}`});
	await settled();
	return id;
};
const tell = async (sign: AgentUpdate): Promise<void> => {
	await twin.touch(sign);
	await settled();
};
/** What the woken client's hooks do. */
const takeAll = async (): Promise<number[]> => {
	const ids = (await twin.take({route: 'hook'})).map(({id}) => id);
	await twin.deliver(ids, 'hook', 'a client');
	await settled();
	return ids;
};
const pass = async (milliseconds: number): Promise<void> => {
	await vi.advanceTimersByTimeAsync(milliseconds);
	await settled();
};
/** A memory mailbox answers after a turn of the event loop. */
async function settled(): Promise<void> {
	for (let turn = 0; turn < 40; turn += 1) {
		await new Promise(resolve => {
			setImmediate(resolve);
		});
	}
}
const ways = (): Wake[] => rung;

describe('an idle agent', () => {
	test('is woken at once, by the first way', async () => {
		await start(way('bell'), way('socket'));
		await send('@CLAUDE_TWIN hello');
		expect(ways()).toEqual(['bell']);
		expect(waiting.at(-1)).toBe(1);
	});

	test('is woken for a message to everyone, but never for its own or one to somebody else', async () => {
		await start(way('bell'));
		await send('@SOMEONE_ELSE not for you');
		await twin.post({content: '[CLAUDE_TWIN] my own'});
		await settled();
		expect(rung).toEqual([]);
		await send('for everyone');
		expect(ways()).toEqual(['bell']);
	});

	test('is not woken while it is paused, its hooks are told of no mail, and it is woken when it is resumed', async () => {
		await start(way('bell'));
		await sender.pause('CLAUDE_TWIN');
		await settled();
		await send('@CLAUDE_TWIN one');
		await pass(10 * minute);
		expect(rung).toEqual([]);
		expect(waiting.at(-1)).toBe(0);
		await sender.resume('CLAUDE_TWIN');
		await settled();
		expect(rung).toEqual(['bell']);
		expect(waiting.at(-1)).toBe(1);
		expect(await takeAll()).toHaveLength(1);
	});

	test('is rung for again if it was paused before it took what it was rung for', async () => {
		await start(way('bell'));
		await send('@CLAUDE_TWIN one');
		await sender.pause('CLAUDE_TWIN');
		await pass(minute);
		expect(rung).toEqual(['bell']);
		await sender.resume('CLAUDE_TWIN');
		await settled();
		expect(rung).toEqual(['bell', 'bell']);
	});

	test('is woken by mail that came before it was watched', async () => {
		await send('@CLAUDE_TWIN early');
		await start(way('bell'));
		expect(ways()).toEqual(['bell']);
	});

	test('is woken once for a burst, and again for what comes when that was taken', async () => {
		await start(way('bell'));
		for (let n = 0; n < 5; n += 1) await send(`@CLAUDE_TWIN ${n}`);
		expect(ways()).toEqual(['bell']);
		expect(await takeAll()).toHaveLength(5);
		await pass(minute);
		expect(waiting.at(-1)).toBe(0);
		await send('@CLAUDE_TWIN next');
		expect(ways()).toEqual(['bell', 'bell']);
		expect(changes).toEqual([]);
	});

	test('that does not react to the first way is rung again, then by the second, which is used first from then on', async () => {
		await start(way('bell'), way('socket'));
		await send('@CLAUDE_TWIN hello');
		await pass(2000);
		expect(ways()).toEqual(['bell', 'bell']);
		await pass(7900);
		expect(ways()).toEqual(['bell', 'bell', 'bell']);
		await pass(100);
		expect(ways()).toEqual(['bell', 'bell', 'bell', 'socket']);
		expect(changes).toEqual(['socket']);
		await takeAll();
		await pass(minute);
		await send('@CLAUDE_TWIN again');
		expect(ways().slice(4)).toEqual(['socket']);
	});

	test('that does not react at all is reported, and rung again less and less often, or with the next message', async () => {
		await start(way('bell'), way('socket'));
		await send('@CLAUDE_TWIN hello');
		await pass(20_000);
		expect(ways()).toEqual(['bell', 'bell', 'bell', 'socket']);
		expect(changes).toEqual(['socket', 'none']);
		await pass(29_000);
		expect(ways()).toHaveLength(4);
		await pass(2000);
		expect(ways().slice(4)).toEqual(['bell']);
		expect(changes.slice(2)).toEqual(['bell']);
		await pass(60 * minute);
		// Every five minutes in the long run.
		expect(ways().length).toBeLessThan(4 * 16);
		expect(changes.at(-1)).toBe('none');
		const before = ways().length;
		await send('@CLAUDE_TWIN are you there?');
		expect(ways().slice(before)).toEqual(['bell']);
		await takeAll();
		await pass(minute);
		expect(changes.at(-1)).toBe('bell');
	});

	test('that is not to be woken now keeps its way, and is tried again', async () => {
		await start(
			way('bell'),
			way('socket', async () => false),
		);
		await send('@CLAUDE_TWIN hello');
		await pass(20_000);
		expect(ways()).toEqual(['bell', 'bell', 'bell', 'socket']);
		expect(changes).toEqual(['socket', 'bell']);
		await pass(20_000);
		expect(ways().slice(4)).toEqual(['bell']);
	});

	test('is woken by the second way at once when the first one fails', async () => {
		await start(
			way('bell', () => Promise.reject(new Error('a full disk'))),
			way('socket'),
		);
		await send('@CLAUDE_TWIN hello');
		await pass(1);
		expect(ways()).toEqual(['bell', 'socket']);
	});

	test('is not woken for mail that it got and need not answer; for mail that names it, when the lease runs out', async () => {
		await start(way('bell'));
		await send('to everyone');
		await takeAll();
		server.lapse();
		await pass(minute);
		expect(ways()).toEqual(['bell']);
		await send('@CLAUDE_TWIN by name');
		await takeAll();
		expect(ways()).toEqual(['bell', 'bell']);
		await pass(minute);
		server.lapse();
		await pass(minute);
		expect(ways().slice(0, 3)).toEqual(['bell', 'bell', 'bell']);
	});

	test('is woken again at once for what it was given and gave back', async () => {
		await start(way('bell'));
		await send('to everyone');
		await takeAll();
		expect(ways()).toEqual(['bell']);
		await twin.giveBack('a client');
		await settled();
		await pass(1000);
		expect(ways()).toEqual(['bell', 'bell']);
	});
});

describe('an agent that works', () => {
	test('is left alone while its hooks hand over, and woken at its end for what they did not', async () => {
		await tell({presence: 'working'});
		await start(way('bell'));
		await send('@CLAUDE_TWIN in the middle');
		expect(rung).toEqual([]);
		expect(waiting.at(-1)).toBe(1);
		await takeAll();
		await send('@CLAUDE_TWIN at the very end');
		await tell({presence: 'idle'});
		expect(ways()).toEqual(['bell']);
	});

	test('and leaves mail for a while is reported once: its turn may have been interrupted', async () => {
		await tell({presence: 'working'});
		await start(way('bell'), way('socket'));
		await send('@CLAUDE_TWIN hello');
		await pass(29_000);
		expect(stalled).toBe(0);
		await pass(1000);
		expect(stalled).toBe(1);
		await pass(10 * minute);
		expect(stalled).toBe(1);
		expect(rung).toEqual([]);
	});

	test.each(['blocked', 'away'] as const)('and one that is %s is not woken', async presence => {
		await tell({presence});
		await start(way('bell'));
		await send('@CLAUDE_TWIN hello');
		await pass(10 * minute);
		expect(rung).toEqual([]);
	});
});

test('an outage loses no wake: it looks when the mailbox is back', async () => {
	await start(way('bell'));
	server.outage();
	await settled();
	server.insert('[CLAUDE_1] @CLAUDE_TWIN meanwhile');
	await pass(minute);
	expect(rung).toEqual([]);
	server.recover();
	await settled();
	expect(ways()).toEqual(['bell']);
});

test('a client whose mailbox was away may have been forgotten, also where it was away from the start', async () => {
	await start(way('bell'));
	expect(returns).toBe(0);
	waker.end();
	server.outage();
	await start(way('bell'));
	await pass(minute);
	expect(returns).toBe(0);
	server.recover();
	await settled();
	expect(returns).toBe(1);
});
