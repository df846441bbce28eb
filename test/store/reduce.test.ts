import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {threadFeed} from '../../source/store/state/feed.ts';
import {reduce} from '../../source/store/state/reduce.ts';
import {channelMessages, replyCount, threadMessages, threadTree} from '../../source/store/select.ts';
import {marksIn} from '../../source/store/state/seen-marks.ts';
import {foldTag} from '../../source/mailbox/tag.ts';
import type {Receipt} from '../../source/mailbox/receipt.ts';
import type {Task} from '../../source/mailbox/task.ts';
import {unreadCount} from '../../source/store/unread.ts';
import {emptyState, type State} from '../../source/store/state/state.ts';
import {messageRow} from '../helpers/message.ts';

const tags = ['CLAUDE_1', 'claude_1', 'CLAUDE_TWIN', 'HUMAN'] as const;
const message = fc
	.record({id: fc.integer({min: 1, max: 60}), tag: fc.constantFrom(...tags), to: fc.constantFrom('', ...tags)})
	.map(({id, tag, to}) =>
		// The same id is the same row, wherever it comes from.
		messageRow(id, `[${tags[id % 4] ?? tag}] ${id} @${tags[(id * 7) % 4] ?? to}`),
	);
const batches = fc.array(fc.array(message, {maxLength: 20}), {maxLength: 20});

function told(batches: ReadonlyArray<readonly ReturnType<typeof messageRow>[]>): State {
	return batches.reduce((state, messages) => reduce(state, {type: 'messages', messages}), emptyState);
}

describe('messages', () => {
	it('appear once each, by id, in whatever order and however often they arrive', () => {
		fc.assert(
			fc.property(batches, given => {
				const ids = told(given).messages.map(({id}) => id);
				expect(ids).toEqual([...new Set(given.flat().map(({id}) => id))].sort((one, other) => one - other));
			}),
		);
	});

	it('are found by channel as if the window were searched, without case', () => {
		fc.assert(
			fc.property(batches, given => {
				// Told step by step, so that the index grows; asked in between, so that it is there to grow.
				let state = emptyState;
				for (const messages of given) {
					state = reduce(state, {type: 'messages', messages});
					for (const tag of tags) {
						const expected = state.messages.filter(each =>
							[each.tag, ...each.mentions].some(name => name.toUpperCase() === tag.toUpperCase()),
						);
						expect(channelMessages(state, tag)).toEqual(expected);
					}
				}
			}),
		);
	});

	it('create channels for their tags and for a few that they address, and count the others', () => {
		const ghosts = Array.from({length: 100}, (_, nth) =>
			messageRow(nth + 1, `[CLAUDE_1] @GHOST_${nth} @GHOST_${nth + 900} boo`),
		);
		let state = reduce(emptyState, {type: 'channels', channels: [{tag: 'OLD', last_id: 0}]});
		for (const each of ghosts) state = reduce(state, {type: 'messages', messages: [each]});
		expect([...state.channels.keys()].filter(key => !key.startsWith('GHOST'))).toEqual(['OLD', 'CLAUDE_1']);
		expect(state.channels.size).toBe(22);
		expect(state.channels.get(foldTag('GHOST_99'))?.last_id).toBe(100);
		expect(state.unlisted.size).toBe(180);
		// Whoever writes has a channel from then on, however many others are addressed.
		state = reduce(state, {type: 'messages', messages: [messageRow(101, '[GHOST_3] here I am')]});
		for (const each of ghosts) state = reduce(state, {type: 'messages', messages: [{...each, id: each.id + 200}]});
		expect(state.channels.get(foldTag('GHOST_3'))).toEqual({tag: 'GHOST_3', last_id: 204});
		expect(state.unlisted.has(foldTag('GHOST_3'))).toBe(false);
	});

	it('lose their text when they are redacted, in every list', () => {
		const rows = [1, 2, 3, 4].map(id => messageRow(id, `[CLAUDE_1] secret ${id} @HUMAN`));
		const past = [rows[0]!, rows[1]!];
		let state = reduce(emptyState, {type: 'messages', messages: rows});
		state = {...state, scrollbacks: new Map([['CLAUDE_1', {messages: past, lower: 0, upper: 3, around: 2}]])};
		expect(channelMessages(state, 'HUMAN')).toHaveLength(4);
		const left = messageRow(2, '[CLAUDE_1] (redacted)', {meta: {redaction: {by: 'HUMAN'}}});
		const redacted = reduce(state, {type: 'redacted', messages: [left]});
		expect(redacted.messages).toEqual([rows[0], left, rows[2], rows[3]]);
		expect(redacted.scrollbacks.get('CLAUDE_1')?.messages).toEqual([rows[0], left]);
		expect(channelMessages(redacted, 'HUMAN').map(({id}) => id)).toEqual([1, 3, 4]);
		expect(channelMessages(redacted, 'CLAUDE_1')).toContain(left);
		// Again, or of what is not held: nothing changes.
		expect(reduce(redacted, {type: 'redacted', messages: [left]})).toBe(redacted);
		expect(reduce(redacted, {type: 'redacted', messages: [{...left, id: 99}]})).toBe(redacted);
	});

	it('do not change the state if none of them is new', () => {
		const state = told([[messageRow(1, '[A] one')]]);
		expect(reduce(state, {type: 'messages', messages: [messageRow(1, '[A] one')]})).toBe(state);
	});

	it('are kept up to the size of the window, and the oldest are dropped', () => {
		const state = told([[1, 2, 3, 4].map(id => messageRow(id, `[A] ${id}`))]);
		expect(reduce(state, {type: 'trim', keep: 2}).messages.map(({id}) => id)).toEqual([3, 4]);
	});
});

describe('a pending draft', () => {
	const pending = {
		draft: {content: '[HUMAN] hi', client_id: 'key'},
		since: 0,
		phase: 'sending',
		failure: null,
	} as const;

	it('is shown until its row arrives, from whichever source', () => {
		const sending = reduce(emptyState, {type: 'sending', pending});
		expect(sending.pending).toEqual([pending]);
		const row = messageRow(1, '[HUMAN] hi', {client_id: 'key'});
		expect(reduce(sending, {type: 'messages', messages: [row]}).pending).toEqual([]);
	});

	it('is removed even if its row was there before it was sent again', () => {
		const row = messageRow(1, '[HUMAN] hi', {client_id: 'key'});
		const state = reduce(told([[row]]), {type: 'sending', pending});
		expect(reduce(state, {type: 'messages', messages: [row]}).pending).toEqual([]);
	});

	it('keeps its text when it failed', () => {
		const sending = reduce(emptyState, {type: 'sending', pending});
		const failed = reduce(sending, {type: 'unsent', client_id: 'key', phase: 'refused', failure: 'No.'});
		expect(failed.pending).toEqual([{...pending, phase: 'refused', failure: 'No.'}]);
	});
});

describe('threads', () => {
	const root = messageRow(1, '[A] root');
	const reply = messageRow(3, '[B] reply', {reply_to: 1, thread_id: 1});
	const deeper = messageRow(4, '[A] deeper', {reply_to: 3, thread_id: 1});
	const late = messageRow(5, '[B] to the root', {reply_to: 1, thread_id: 1});

	it('are the root and its replies, also when they were read from outside of the window', () => {
		const feed = threadFeed(1);
		let state = reduce(emptyState, {type: 'recent', messages: [deeper], complete: false});
		state = reduce(state, {type: 'look', feed, around: Infinity});
		state = reduce(state, {type: 'older', feed, before: 4, messages: [root, reply], lower: 0});
		expect(threadMessages(state, 1)).toEqual([root, reply, deeper]);
		expect(threadMessages(reduce(state, {type: 'messages', messages: [late]}), 1)).toEqual([root, reply, deeper, late]);
	});

	it('form a tree, each reply below the message that it replies to', () => {
		const tree = threadTree(told([[root, reply, deeper, late]]), 1);
		expect(tree.map(({message: {id}, depth}) => [id, depth])).toEqual([
			[1, 0],
			[3, 1],
			[4, 2],
			[5, 1],
		]);
		expect(replyCount(told([[root, reply, deeper, late]]), 1)).toBe(3);
	});

	it('form a tree even if the root is unknown', () => {
		expect(threadTree(told([[reply, deeper]]), 1).map(({depth}) => depth)).toEqual([0, 1]);
	});
});

describe('unread', () => {
	it('counts messages after the start that were not seen, without one’s own', () => {
		const identity = {tag: 'HUMAN', kind: 'human', verified: true} as const;
		let state = reduce(told([[messageRow(1, '[A] before')]]), {type: 'identity', identity});
		state = reduce(state, {type: 'loaded'});
		state = reduce(state, {
			type: 'messages',
			messages: [
				messageRow(2, '[A] two'),
				messageRow(3, '[A] three'),
				messageRow(4, '[A] mine', {author_tag: 'HUMAN'}),
			],
		});
		expect(unreadCount(state, 'a')).toBe(2);
		state = reduce(state, {type: 'seen', feed: 'A', id: 2});
		expect(unreadCount(state, 'A')).toBe(1);
		expect(reduce(state, {type: 'seen', feed: 'A', id: 1})).toBe(state);
	});
});

describe('another history', () => {
	const replaced = {type: 'replaced', epoch: 'two', common: 5, fresh: 2, more: false} as const;

	it('removes the former messages, and keeps the drafts, which no longer reply to lost messages', () => {
		let state = reduce(emptyState, {type: 'messages', messages: [1, 5, 9].map(id => messageRow(id, '[A] x'))});
		const draft = (client_id: string, reply_to: number) => ({content: '[HUMAN] y', client_id, reply_to});
		for (const pending of [draft('kept', 5), draft('gone', 6)]) {
			state = reduce(state, {type: 'sending', pending: {draft: pending, since: 0, phase: 'waiting', failure: null}});
		}
		state = reduce(state, replaced);
		expect(state).toMatchObject({messages: [], loaded: false, replaced: {common: 5, fresh: 2}});
		expect(state.pending.map(({draft}) => draft)).toEqual([
			draft('kept', 5),
			{content: '[HUMAN] y', client_id: 'gone'},
		]);
	});

	it('counts as read up to the end of the common part', () => {
		const marks = {epoch: 'one', from: 3, marks: new Map([['A', 9]])};
		expect(marksIn(replaced, marks)).toEqual({epoch: 'two', from: 3, marks: new Map([['A', 5]])});
		expect(marksIn({...replaced, common: null}, marks)).toBeNull();
	});

	it('gets its new epoch later, if only the reader had noticed it', () => {
		const state = reduce({...emptyState, epoch: 'one'}, {type: 'cursor', cursor: {epoch: 'two', xid: '9', id: 5}});
		expect(state.epoch).toBe('two');
		expect(reduce(state, {type: 'cursor', cursor: {epoch: 'two', xid: '9', id: 6}})).toBe(state);
	});
});

describe('tasks', () => {
	const at = (minutes: number): string => new Date(Date.UTC(2026, 0, 1, 12, minutes)).toISOString();
	const task = (status: Task['status'], updated_at: string): Task => ({id: 1, status, updated_at}) as Task;
	const after = (...tasks: readonly Task[]): Task | undefined =>
		tasks.reduce((state, each) => reduce(state, {type: 'tasks', tasks: [each]}), emptyState).tasks.get(1);

	it('are as last reported, also if the clock was set back', () => {
		expect(after(task('queued', at(30)), task('running', at(31)))?.status).toBe('running');
		expect(after(task('queued', at(59)), task('running', at(0)))?.status).toBe('running');
	});

	it('are not replaced by an older row that was read in the meantime', () => {
		const [before, now] = ['2026-01-01T12:00:00.000Z', '2026-01-01T12:00:01.000Z'];
		expect(after(task('running', now), task('queued', before))?.status).toBe('running');
	});
});

describe('a row that was deleted', () => {
	const agent = {
		tag: 'Claude_1',
		kind: 'agent',
		role: null,
		presence: 'away',
		joined_at: '2026-11-20T14:00:00Z',
		last_seen_at: null,
		revoked_at: null,
		sessions: 0,
		wake: null,
		damped: null,
		groups: [],
		paused: null,
		focused: false,
		meta: {},
	} as const;

	it('is an agent that is no longer shown, also if only a complete list says so', () => {
		const two = reduce(emptyState, {type: 'agents', agents: [agent, {...agent, tag: 'CLAUDE_TWIN'}]});
		const removed = reduce(two, {type: 'removed', row: {table: 'agents', tag: 'CLAUDE_1'}});
		expect([...removed.agents.keys()]).toEqual(['CLAUDE_TWIN']);
		expect(two.agents.size).toBe(2);
		expect([...reduce(two, {type: 'agents', agents: [agent], complete: true}).agents.keys()]).toEqual(['CLAUDE_1']);
		expect(reduce(two, {type: 'agents', agents: [agent]}).agents.size).toBe(2);
	});

	it('is a task or a receipt that is no longer there', () => {
		const receipt = {message_id: 7, reader: 'Claude_1', state: 'acked'} as Receipt;
		let state = reduce(emptyState, {type: 'tasks', tasks: [{id: 1} as Task, {id: 2} as Task]});
		state = reduce(state, {type: 'receipts', receipts: [receipt, {...receipt, reader: 'B'}]});
		state = reduce(state, {type: 'removed', row: {table: 'tasks', id: 1}});
		expect([...state.tasks.keys()]).toEqual([2]);
		state = reduce(state, {type: 'removed', row: {table: 'receipts', message_id: 7, reader: 'CLAUDE_1'}});
		expect(state.receipts.get(7)?.map(({reader}) => reader)).toEqual(['B']);
		expect(state.receipts.size).toBe(1);
		state = reduce(state, {type: 'removed', row: {table: 'receipts', message_id: 7, reader: 'b'}});
		expect([state.receipts.get(7), state.receipts.size]).toEqual([undefined, 0]);
		expect(reduce(state, {type: 'removed', row: {table: 'receipts', message_id: 7, reader: 'B'}}).receipts.size).toBe(
			0,
		);
	});
});
