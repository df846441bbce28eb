import {afterEach, beforeEach, describe, expect, test, vi} from 'vitest';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import {openDesk, type AgentClient, type Called} from '../helpers/mcp.ts';
import {memoryMailbox} from '../helpers/memory-mailbox.ts';
import {MemoryServer} from '../helpers/memory-server.ts';
import {messagesIn, tasksIn} from '../helpers/shown.ts';

let database: MemoryServer;
let human: Mailbox;
let agent: Mailbox;
let session: AgentClient;

beforeEach(() => {
	database = new MemoryServer();
	human = memoryMailbox(database, {tag: 'HUMAN', kind: 'human'});
	agent = memoryMailbox(database, {tag: 'CLAUDE_1'});
});
afterEach(() => session.close());

const sizeOf = ({text}: Called): number => Buffer.byteLength(JSON.stringify(text));
/** Texts that take the most room: invisible characters are shown by their codes, and each line has a gutter. */
const hostile = (length: number): string => '"\u202E\né'.repeat(length / 4);
const restOf = (id: number, from: number, length: number): string | undefined =>
	from === length
		? undefined
		: `read_thread with id ${id} and text_from ${from} returns the other ${length - from} characters`;
const waitingOf = (ids: readonly number[]): string | undefined => {
	const named = ids
		.slice(0, 10)
		.map(id => `#${id}`)
		.join(', ');
	return ids.length === 0
		? undefined
		: `${named}${ids.length > 10 ? ' …' : ''} ${ids.length === 1 ? 'waits' : 'wait'}: check_messages.`;
};
const idsOf = (called: Called): number[] => messagesIn(called).map(({id}) => id);

describe.each([
	{name: 'claude-code', room: 46_000},
	{name: 'gemini-cli-mcp-client', room: 36_000},
	{name: 'codex-mcp-client', room: 9000},
	{name: 'something else', room: 9000},
])('$name, which shows its model $room bytes of an answer', ({name, room}) => {
	beforeEach(async () => {
		session = await openDesk('CLAUDE_1', agent, {name});
	});
	const post = (text: string) => human.post({content: `[HUMAN] @CLAUDE_1 ${text}`});
	const call = async (tool: string, args: object = {}): Promise<Called> => {
		const called = await session.call(tool, args);
		expect(called.isError).toBe(false);
		expect(sizeOf(called)).toBeLessThanOrEqual(room);
		return called;
	};

	test.each([
		['20 messages of 1 kB', Array.from({length: 20}, () => 1000)],
		['2 of 100 kB', [100_000, 100_000]],
		['short ones around one of 100 kB', [50, 50, 100_000, 50, 50]],
	])('%s: what is receipted is what was shown, and what waits is named', async (_, lengths) => {
		for (const length of lengths) await post('x'.repeat(length));
		const all = lengths.map((_, index) => index + 1);
		const seen: number[] = [];
		for (let calls = 0; seen.length < all.length; calls++) {
			expect(calls).toBeLessThan(all.length);
			const called = await call('check_messages', {limit: 50});
			seen.push(...idsOf(called));
			for (const {id, text, rest} of messagesIn(called)) {
				const whole = `@CLAUDE_1 ${'x'.repeat(lengths[id - 1] ?? 0)}`;
				expect(whole.startsWith(text)).toBe(true);
				expect(rest).toBe(restOf(id, text.length, whole.length));
			}
			await vi.waitFor(async () => {
				const receipts = await human.receipts(all);
				expect(receipts.map(({message_id, state}) => [message_id, state])).toEqual(seen.map(id => [id, 'delivered']));
			});
			expect(/\n\n(#.*)$/.exec(called.text)?.[1]).toBe(waitingOf(all.filter(id => !seen.includes(id))));
		}
		expect(seen).toEqual(all);
	});

	test('wait_for_message takes no more either', async () => {
		for (let count = 0; count < 60; count++) await post(hostile(2000));
		const called = await call('wait_for_message', {limit: 50});
		await vi.waitFor(async () => {
			const receipts = await human.receipts(Array.from({length: 60}, (_, index) => index + 1));
			expect(receipts.map(({message_id}) => message_id)).toEqual(idsOf(called));
		});
		expect(called.text).toContain('wait: check_messages.');
	});

	test('a long text is read whole, in pieces', async () => {
		const {id, body} = await post(`${hostile(60_000)}the end`);
		let read = '';
		for (let from: number | undefined = 0; from !== undefined;) {
			const called: Called = await call('read_thread', {id, text_from: from});
			const [piece] = messagesIn(called);
			read += piece?.text ?? '';
			const next = /text_from (\d+)/.exec(piece?.rest ?? '')?.[1];
			from = next === undefined ? undefined : Number(next);
		}
		expect(read.replaceAll('<U+202E>', '\u202E')).toBe(body);
	});

	test('a thread: its first message and the newest replies that fit, then the earlier ones', async () => {
		const {id} = await post(`root ${'x'.repeat(20_000)}`);
		for (let count = 0; count < 30; count++) await human.post({content: `[HUMAN] ${'x'.repeat(1000)}`, reply_to: id});
		const seen: number[] = [];
		let args: object = {id, limit: 50};
		for (let calls = 0; seen.length < 30; calls++) {
			expect(calls).toBeLessThan(30);
			const called = await call('read_thread', args);
			expect(idsOf(called).includes(id)).toBe(calls === 0);
			seen.unshift(...idsOf(called).filter(each => each !== id));
			const before = /and before (\d+)\./.exec(called.text)?.[1];
			expect(before === undefined).toBe(seen.length === 30);
			args = {id, limit: 50, before};
		}
		expect(seen).toEqual(Array.from({length: 30}, (_, index) => index + 2));
	});

	test('a search: what fits, and the numbers of the others', async () => {
		for (let count = 0; count < 50; count++) await post(`needle ${hostile(4000)}`);
		const called = await call('search_messages', {query: 'needle', limit: 50});
		const shown = idsOf(called);
		expect(shown.length).toBeGreaterThan(1);
		const rest = Array.from({length: 50}, (_, index) => 50 - index).filter(id => !shown.includes(id));
		expect(called.text).toContain(`Also found: ${rest.map(id => `#${id}`).join(', ')}: read_thread shows one.`);
	});

	test('open messages that it already has: as many as fit, and how to get the others', async () => {
		for (let count = 0; count < 50; count++) await post(hostile(4000));
		await agent.deliver(
			Array.from({length: 50}, (_, index) => index + 1),
			'test',
		);
		const seen: number[] = [];
		for (let after: number | undefined; seen.length < 50;) {
			const called: Called = await call('check_messages', {again: true, limit: 50, after});
			const shown = idsOf(called);
			expect(shown.length).toBeGreaterThan(0);
			seen.push(...shown);
			after = Number(/after: (\d+)\.$/.exec(called.text)?.[1]);
			if (Number.isNaN(after)) break;
		}
		expect(seen).toEqual(Array.from({length: 50}, (_, index) => index + 1));
	});

	test('tasks: as many as fit, and the numbers of the others', async () => {
		for (let count = 0; count < 100; count++) await human.tasks.add({title: `${count} ${hostile(900)}`});
		const called = await call('list_tasks', {limit: 99});
		const shown = tasksIn(called).map(task => task.id);
		expect(shown.length).toBeGreaterThan(10);
		const rest = Array.from({length: 99}, (_, index) => 100 - index).filter(each => !shown.includes(each));
		const named = rest
			.slice(0, 30)
			.map(each => `#${each}`)
			.join(', ');
		const sentence = rest.length === 0 ? '' : `Not shown, for want of room: ${named}${rest.length > 30 ? ' …' : ''}. `;
		expect(called.text).toContain(`\n${sentence}There are more: filter by status or queue`);
		const {id} = await human.tasks.add({title: 'one', body: hostile(100_000)});
		expect(tasksIn(await call('list_tasks', {id}))[0]?.rest).toMatch(/^select substr\(body, \d+\) from tasks/);
		await human.tasks.prioritise(id, 1);
		expect(tasksIn(await call('claim_task'))[0]?.rest).toMatch(/^select substr\(body, \d+\) from tasks/);
	});

	test('agents: as many as fit, and the tags of the others', async () => {
		for (let count = 0; count < 200; count++) {
			await memoryMailbox(database, {tag: `AGENT_${count}`}).touch({role: hostile(1000)});
		}
		const {text} = await call('list_agents');
		const shown = text.match(/^AGENT_\d+: agent;/gm) ?? [];
		expect(shown.length).toBeGreaterThan(3);
		expect(text).toMatch(/\nNot shown, for want of room: AGENT_\d+, .*…\.$/);
	});
});

test('the server’s note is the last line of every answer, also of an error', async () => {
	let note: string | null = null;
	session = await openDesk('CLAUDE_1', agent, {note: () => note});
	expect((await session.call('check_messages')).text).toBe('No new messages for CLAUDE_1.');
	note = 'No hooks run here: call check_messages.';
	expect((await session.call('check_messages')).text).toBe(`No new messages for CLAUDE_1.\n${note}`);
	expect((await session.call('read_thread', {id: 7})).text).toMatch(
		new RegExp(`^There is no message #7\\..*\n${note}$`),
	);
});
