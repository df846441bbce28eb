import {expect, it, vi} from 'vitest';
import type {MailboxEvent} from '../../source/mailbox/event.ts';
import type {Message} from '../../source/mailbox/message.ts';
import type {Receipt} from '../../source/mailbox/receipt.ts';
import {indexOf} from '../../source/store/message-index.ts';
import {createMailboxStore} from '../../source/store/mailbox-store.ts';
import {channelMessages} from '../../source/store/select.ts';
import {emptyState, type State} from '../../source/store/state/state.ts';
import {unreadCount} from '../../source/store/unread.ts';
import {collectGarbage} from '../helpers/collect.ts';
import {memoryMailbox} from '../helpers/memory-mailbox.ts';
import {MemoryServer} from '../helpers/memory-server.ts';
import {messageRow} from '../helpers/message.ts';

it('does not keep the window of a feed whose unread messages were counted once', async () => {
	const windowOf = (tag: string): State => ({
		...emptyState,
		loaded: true,
		messages: Array.from({length: 100}, (_, nth) => messageRow(nth + 1, `[${tag}] ${nth}`)),
	});
	const weak: WeakRef<Message>[] = [];
	const count = (): void => {
		const state = windowOf('MEMORY_1');
		expect(unreadCount(state, 'MEMORY_1')).toBe(100);
		weak.push(new WeakRef(state.messages[50]!));
	};
	count();
	// The index is that of the latest window.
	expect(channelMessages(windowOf('MEMORY_2'), 'MEMORY_2')).toHaveLength(100);
	await collectGarbage();
	expect(weak[0]?.deref()).toBeUndefined();
});

it('remembers which receipts it has sent, but not forever', async () => {
	const server = new MemoryServer();
	for (let nth = 0; nth < 3; nth += 1) server.insert(`[CLAUDE_1] @HUMAN number ${nth}`);
	const mailbox = memoryMailbox(server, {tag: 'HUMAN', kind: 'human'});
	const deliver = vi.spyOn(mailbox, 'deliver').mockResolvedValue(undefined);
	const store = createMailboxStore(mailbox);
	await store.ready;
	await store.acknowledge([1, 2], 'delivered');
	await store.acknowledge([1], 'delivered');
	expect(deliver).toHaveBeenCalledTimes(1);
	const many = Array.from({length: 25_000}, (_, nth) => nth + 3);
	await store.acknowledge(many, 'delivered');
	await store.acknowledge([1, 25_000], 'delivered');
	expect(deliver).toHaveBeenCalledTimes(3);
	expect(deliver.mock.lastCall?.[0]).toEqual([1]);
	await store.close();
});

const receipt = (message_id: number, state: Receipt['state']): Receipt => ({
	message_id,
	reader: 'LOAD_2',
	state,
	route: 'hook',
	delivered_at: state === 'taken' ? null : '2026-11-20T14:02:00.000Z',
	acked_at: state === 'acked' ? '2026-11-20T14:03:00.000Z' : null,
	attempts: 1,
	takes: 0,
	read_at: null,
	returned: 0,
	lease_until: null,
});

it('holds no more after four times as many messages, hand-overs, tasks and signs of life', async () => {
	const server = new MemoryServer();
	const mailbox = memoryMailbox(server, {tag: 'HUMAN', kind: 'human'});
	let tell: (event: MailboxEvent) => void = () => undefined;
	vi.spyOn(mailbox, 'subscribe').mockImplementation(listener => {
		tell = listener;
		return () => undefined;
	});
	const store = createMailboxStore(mailbox);
	await store.ready;
	const task = await mailbox.tasks.add({title: 'one of many'});
	const agent = server.touch({tag: 'LOAD_1', kind: 'agent', verified: true}, {presence: 'working'});

	let nth = 0;
	const batch = 50;
	const upTo = async (count: number): Promise<object> => {
		for (; nth < count; nth += batch) {
			const ids = Array.from({length: batch}, (_, at) => nth + at + 1);
			// Of a message that has left the window long ago.
			tell({type: 'receipts', receipts: [receipt(Math.ceil(nth / 8) + 1, 'acked')]});
			tell({
				type: 'messages',
				messages: ids.map(id => messageRow(id, `[LOAD_1] @LOAD_2 @LOAD_${id % 40} number ${id}`)),
			});
			for (const state of ['taken', 'delivered', 'acked'] as const) {
				tell({type: 'receipts', receipts: ids.map(id => receipt(id, state))});
			}
			const at = new Date(1_700_000_000_000 + nth).toISOString();
			for (const status of ['queued', 'running', 'done'] as const) {
				tell({type: 'tasks', tasks: ids.slice(0, 20).map(id => ({...task, id, status, updated_at: at}))});
			}
			tell({type: 'agents', agents: [{...agent, last_seen_at: at}]});
			store.markSeen('LOAD_2', nth);
			await Promise.resolve();
		}
		const {messages, receipts, tasks, agents, channels, unlisted, pending, scrollbacks, seen} = store.getState();
		const {threads} = indexOf(messages);
		const counted = {messages: messages.length, receipts: receipts.size, threads: threads.size};
		const sizes = [tasks, agents, channels, unlisted, pending, scrollbacks, seen].map(each =>
			'size' in each ? each.size : each.length,
		);
		return {...counted, sizes};
	};
	// The window is cut by the same number of messages each time: both ends are just behind a cut.
	const cut = 550;
	const few = await upTo(5000 + cut);
	expect(few).toMatchObject({messages: 5000, threads: 5000});
	expect(await upTo(5000 + 30 * cut)).toEqual(few);
	await store.close();
});
