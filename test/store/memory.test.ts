import {expect, it, vi} from 'vitest';
import type {Message} from '../../source/mailbox/message.ts';
import {createMailboxStore} from '../../source/store/mailbox-store.ts';
import {channelMessages} from '../../source/store/select.ts';
import {emptyState, type State} from '../../source/store/state.ts';
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

it('remembers which receipts it has sent, and not for ever', async () => {
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
