import {afterEach, describe, expect, it} from 'vitest';
import {MailboxError} from '../../source/mailbox/error.ts';
import type {Cursor, MailboxEvent} from '../../source/mailbox/event.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import type {Message} from '../../source/mailbox/message.ts';
import {allFeed, inboxFeed, threadFeed, threadOf} from '../../source/store/state/feed.ts';
import {loadedOf} from '../../source/store/loaded.ts';
import {createMailboxStore, type MailboxStore} from '../../source/store/mailbox-store.ts';
import {loadedCount} from '../../source/store/state/window.ts';
import {channelMessages} from '../../source/store/select.ts';
import {memoryMailbox} from '../helpers/memory-mailbox.ts';
import {MemoryServer} from '../helpers/memory-server.ts';

const stores: MailboxStore[] = [];
afterEach(async () => {
	await Promise.all(stores.splice(0).map(store => store.close()));
});

function open(mailbox: Mailbox | Promise<Mailbox>): MailboxStore {
	const store = createMailboxStore(mailbox);
	stores.push(store);
	return store;
}

const human = {tag: 'HUMAN', kind: 'human'} as const;

/** The ids that are held of a feed. */
function held(store: MailboxStore, feed: string): number[] {
	const {scrollback: past, recent} = loadedOf(store.getState(), feed);
	return [...past, ...recent].map(({id}) => id);
}

async function until(
	store: MailboxStore,
	holds: (state: ReturnType<MailboxStore['getState']>) => boolean,
): Promise<void> {
	await new Promise<void>(resolve => {
		const check = () => {
			if (!holds(store.getState())) return;
			unsubscribe();
			resolve();
		};
		const unsubscribe = store.subscribe(check);
		check();
	});
}

describe('the store', () => {
	it('exists before its mailbox, and then shows its contents', async () => {
		const server = new MemoryServer();
		server.insert('[CLAUDE_1] hello');
		const opening = Promise.withResolvers<Mailbox>();
		const store = open(opening.promise);
		expect(store.getState().connection.phase).toBe('connecting');
		opening.resolve(memoryMailbox(server, human));
		await store.ready;
		expect(store.getState().messages.map(({body}) => body)).toEqual(['hello']);
		expect(store.getState().identity?.tag).toBe('HUMAN');
	});

	it('shows the database that replaced another, and nothing of the other', async () => {
		const server = new MemoryServer();
		server.insert('[CLAUDE_1] of the first');
		const first = memoryMailbox(server, human);
		const other = new MemoryServer();
		other.insert('[CLAUDE_2] of the second');
		let tell: (event: MailboxEvent) => void = () => {};
		let mailbox: Mailbox = first;
		let reads = 0;
		const both: Mailbox = new Proxy(first, {
			get(_, name: keyof Mailbox) {
				if (name === 'channels') reads += 1;
				if (name !== 'subscribe') return mailbox[name];
				return (listener: (event: MailboxEvent) => void, from: Cursor | null) => {
					tell = listener;
					return first.subscribe(listener, from);
				};
			},
		});
		const store = open(both);
		await store.ready;
		expect(store.getState().messages.map(({body}) => body)).toEqual(['of the first']);
		mailbox = memoryMailbox(other, human);
		reads = 0;
		tell({type: 'replaced', epoch: other.epoch, common: null, fresh: 1, more: false});
		tell({type: 'connection', connection: {phase: 'live'}});
		expect(store.getState().messages).toEqual([]);
		await until(store, ({loaded}) => loaded);
		expect(store.getState().messages.map(({body}) => body)).toEqual(['of the second']);
		expect(store.getState()).toMatchObject({epoch: other.epoch, identity: {tag: 'HUMAN'}});
		expect([...store.getState().channels.keys()]).toEqual(['CLAUDE_2']);
		tell({type: 'connection', connection: {phase: 'live'}});
		expect(reads).toBe(1);
	});

	it('applies messages together that came together, and before later events', async () => {
		const mailbox = memoryMailbox(new MemoryServer(), human);
		const told = Promise.withResolvers<(event: MailboxEvent) => void>();
		const store = open({
			...mailbox,
			subscribe(listener) {
				told.resolve(listener);
				return () => {};
			},
		});
		await store.ready;
		const tell = await told.promise;
		const sizes: number[] = [];
		store.subscribe(({messages}) => sizes.push(messages.length));
		const [one, two, three] = ['one', 'two', 'three'].map(text => {
			const server = new MemoryServer();
			return server.insert(`[CLAUDE_1] ${text}`);
		});
		if (one === undefined || two === undefined || three === undefined) throw new Error('nothing was inserted');
		tell({type: 'messages', messages: [{...one, id: 1}]});
		tell({type: 'messages', messages: [{...two, id: 2}]});
		await Promise.resolve();
		expect(sizes).toEqual([2]);
		tell({type: 'messages', messages: [{...three, id: 3}]});
		tell({type: 'connection', connection: {phase: 'live'}});
		expect(store.getState()).toMatchObject({connection: {phase: 'live'}, messages: [{id: 1}, {id: 2}, {id: 3}]});
	});

	it('reports why its mailbox could not be opened', async () => {
		const store = open(Promise.reject(new MailboxError('unauthorized', 'The key is wrong.')));
		await expect(store.ready).rejects.toThrow('The key is wrong.');
	});

	it('shows messages that are inserted from now on, once', async () => {
		const server = new MemoryServer();
		const store = open(memoryMailbox(server, human));
		await store.ready;
		for (let number = 0; number < 50; number++) server.insert(`[CLAUDE_1] ${number}`);
		await until(store, ({messages}) => messages.length >= 50);
		expect(store.getState().messages.map(({body}) => Number(body))).toEqual(Array.from({length: 50}, (_, at) => at));
	});

	it('shows a sent message immediately, and its row when it comes back', async () => {
		const server = new MemoryServer();
		const store = open(memoryMailbox(server, human));
		await store.ready;
		const sent = store.post({content: '[HUMAN] hi @CLAUDE_1'});
		expect(store.getState().pending.map(({draft, phase}) => [draft.content, phase])).toEqual([
			['[HUMAN] hi @CLAUDE_1', 'sending'],
		]);
		expect(await sent).toBeNull();
		expect(store.getState().pending).toEqual([]);
		expect(channelMessages(store.getState(), 'CLAUDE_1')).toHaveLength(1);
	});

	it('sends unsent messages when the connection is back, exactly once', async () => {
		const server = new MemoryServer();
		const store = open(memoryMailbox(server, human));
		await store.ready;
		server.outage();
		const sent = store.post({content: '[HUMAN] later'});
		await until(store, ({pending}) => pending[0]?.phase === 'waiting');
		expect(server.messages).toHaveLength(0);
		server.recover();
		expect(await sent).toBeNull();
		expect(server.messages.map(({body}) => body)).toEqual(['later']);
		expect(store.getState().pending).toEqual([]);
	});

	it('sends waiting messages in the order in which they were written, however long each takes', async () => {
		const server = new MemoryServer();
		const memory = memoryMailbox(server, human);
		const written = ['the first, which takes longest', 'the second one', 'the third', 'last'];
		const post: Mailbox['post'] = async draft => {
			for (const _ of draft.content) await new Promise(resolve => setImmediate(resolve));
			return memory.post(draft);
		};
		const store = open({...memory, post});
		await store.ready;
		server.outage();
		const sent = written.map(body => store.post({content: `[HUMAN] ${body}`}));
		await until(store, ({pending}) => pending.every(({phase}) => phase === 'waiting'));
		server.recover();
		expect(await Promise.all(sent)).toEqual(sent.map(() => null));
		expect(server.messages.map(({body}) => body)).toEqual(written);
	});

	it('sends the others when the first is withdrawn or refused', async () => {
		const server = new MemoryServer();
		const store = open(memoryMailbox(server, {tag: 'CLAUDE_1'}));
		await store.ready;
		server.outage();
		const first = store.post({content: '[CLAUDE_1] better not', client_id: 'first'});
		const second = store.post({content: '[HUMAN] not as me'});
		const third = store.post({content: '[CLAUDE_1] third'});
		await until(store, ({pending}) => pending[0]?.phase === 'waiting');
		store.withdraw('first');
		server.recover();
		expect(await first).toBeNull();
		expect(await second).toMatch(/cannot write as/);
		expect(await third).toBeNull();
		expect(server.messages.map(({body}) => body)).toEqual(['third']);
	});

	it('keeps the text of a rejected message, with the reason', async () => {
		const store = open(memoryMailbox(new MemoryServer(), {tag: 'CLAUDE_1'}));
		await store.ready;
		expect(await store.post({content: '[CLAUDE_TWIN] not me', client_id: 'key'})).toMatch(/cannot write as/);
		expect(store.getState().pending.map(({draft, phase}) => [draft.content, phase])).toEqual([
			['[CLAUDE_TWIN] not me', 'refused'],
		]);
		store.withdraw('key');
		expect(store.getState().pending).toEqual([]);
	});

	it('pages older messages of a channel until there are none', async () => {
		const server = new MemoryServer();
		for (let number = 0; number < 900; number++) server.insert(`[CLAUDE_${number % 2}] ${number}`);
		const store = open(memoryMailbox(server, human));
		await store.ready;
		expect(channelMessages(store.getState(), 'CLAUDE_1')).toHaveLength(250);
		expect(await store.loadOlder('CLAUDE_1')).toBe(true);
		expect(held(store, 'CLAUDE_1')).toHaveLength(450);
		expect(await store.loadOlder('CLAUDE_1')).toBe(false);
		expect(loadedOf(store.getState(), 'CLAUDE_1').atStart).toBe(true);
	});

	it.each([
		['every message', allFeed, () => true],
		['a channel', 'CLAUDE_1', ({tag}: Message) => tag === 'CLAUDE_1'],
		['the inbox', inboxFeed, ({tag, mentions}: Message) => tag !== 'HUMAN' && mentions.includes('HUMAN')],
		['a thread', threadFeed(3), ({thread_id}: Message) => thread_id === 3],
	])('reads %s back to the oldest and down to the present again, whole and bounded', async (_, feed, belongs) => {
		const server = new MemoryServer();
		for (let number = 1; number <= 9000; number++) {
			const name = number % 50 === 0 ? 'HUMAN' : `CLAUDE_${number % 3}`;
			server.insert(`[${name}] ${number}${number % 2 === 0 ? ' @HUMAN' : ''}`, number > 3 ? {reply_to: 3} : {});
		}
		const expected = server.messages.filter(belongs).map(({id}) => id);
		const store = open(memoryMailbox(server, human));
		await store.ready;
		const seen = new Set<number>();
		const note = () => {
			const ids = held(store, feed);
			for (const id of ids) seen.add(id);
			expect(ids).toEqual(expected.slice(expected.indexOf(ids[0] ?? 0)).slice(0, ids.length));
			expect(loadedCount(store.getState())).toBeLessThanOrEqual(500 + (threadOf(feed) === null ? 1000 : 5000));
		};
		note();
		for (let pages = 0; !loadedOf(store.getState(), feed).atStart; pages++) {
			expect(pages).toBeLessThan(100);
			await store.loadOlder(feed);
			store.look(feed, held(store, feed)[0] ?? 0);
			note();
		}
		expect(held(store, feed)[0]).toBe(expected[0]);
		for (let pages = 0; !loadedOf(store.getState(), feed).atEnd; pages++) {
			expect(pages).toBeLessThan(100);
			await store.loadNewer(feed);
			store.look(feed, held(store, feed).at(-1) ?? 0);
			note();
		}
		expect(held(store, feed).at(-1)).toBe(expected.at(-1));
		expect(seen.size).toBe(expected.length);
		store.look(feed, null);
		expect(loadedCount(store.getState())).toBeLessThanOrEqual(700);
	});

	it('jumps to the beginning and to any message, and reads on from there in both directions', async () => {
		const server = new MemoryServer();
		for (let number = 1; number <= 3000; number++) server.insert(`[CLAUDE_${number % 2}] ${number}`);
		const store = open(memoryMailbox(server, human));
		await store.ready;
		await store.loadOldest('CLAUDE_1');
		expect(loadedOf(store.getState(), 'CLAUDE_1')).toMatchObject({atStart: true, atEnd: false});
		expect(held(store, 'CLAUDE_1').slice(0, 2)).toEqual([1, 3]);
		await store.loadAround('CLAUDE_1', 1500);
		expect(held(store, 'CLAUDE_1')).toEqual(Array.from({length: 400}, (_, at) => 1101 + 2 * at));
		await store.loadOlder('CLAUDE_1');
		await store.loadNewer('CLAUDE_1');
		expect(held(store, 'CLAUDE_1')).toEqual(Array.from({length: 800}, (_, at) => 701 + 2 * at));
	});

	it('keeps visible messages while so many pour in that they leave the window', async () => {
		const server = new MemoryServer();
		for (let number = 1; number <= 100; number++) server.insert(`[CLAUDE_1] ${number}`);
		const store = open(memoryMailbox(server, human));
		await store.ready;
		store.look('CLAUDE_1', 50);
		for (let number = 101; number <= 9000; number++) server.insert(`[CLAUDE_1] ${number}`);
		await until(store, ({messages}) => messages.at(-1)?.id === 9000);
		expect(held(store, 'CLAUDE_1').slice(0, 100)).toEqual(Array.from({length: 100}, (_, at) => at + 1));
		expect(loadedOf(store.getState(), 'CLAUDE_1')).toMatchObject({atStart: true, atEnd: false});
		expect(loadedCount(store.getState())).toBeLessThanOrEqual(6500);
		store.look('CLAUDE_1', null);
		expect(loadedOf(store.getState(), 'CLAUDE_1')).toMatchObject({atStart: false, atEnd: true});
	});

	it('keeps a bounded window while messages pour in', async () => {
		const server = new MemoryServer();
		const store = open(memoryMailbox(server, human));
		await store.ready;
		for (let number = 0; number < 7000; number++) server.insert(`[CLAUDE_1] ${number}`);
		await until(store, ({messages}) => messages.at(-1)?.id === 7000);
		expect(store.getState().messages.length).toBeLessThanOrEqual(5500);
	});

	it('starts while the mailbox is unreachable, and reads everything once it can', async () => {
		const server = new MemoryServer();
		server.insert('[CLAUDE_1] before');
		server.outage('Nobody is there.');
		const store = open(memoryMailbox(server, human));
		await until(store, ({connection}) => connection.phase === 'offline');
		server.insert('[CLAUDE_1] meanwhile');
		server.recover();
		await store.ready;
		expect(store.getState().messages.map(({body}) => body)).toEqual(['before', 'meanwhile']);
	});

	it('recovers when the connection breaks again during the first load', async () => {
		const server = new MemoryServer();
		server.insert('[CLAUDE_1] before');
		server.outage('Nobody is there.');
		const mailbox = memoryMailbox(server, human);
		let breaks = 2;
		const store = open({
			...mailbox,
			async channels() {
				if (--breaks >= 0) throw new MailboxError('offline', 'The connection broke.');
				return mailbox.channels();
			},
		});
		await until(store, ({connection}) => connection.phase === 'offline');
		breaks = 2;
		server.recover();
		await store.ready;
		expect(store.getState().messages.map(({body}) => body)).toEqual(['before']);
	});
});
