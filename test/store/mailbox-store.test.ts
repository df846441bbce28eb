import {afterEach, describe, expect, it} from 'vitest';
import {MailboxError} from '../../source/mailbox/error.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import {createMailboxStore, type MailboxStore} from '../../source/store/mailbox-store.ts';
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
	it('is there before its mailbox is, and shows what stands in it then', async () => {
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

	it('tells why its mailbox could not be opened', async () => {
		const store = open(Promise.reject(new MailboxError('unauthorized', 'The key is wrong.')));
		await expect(store.ready).rejects.toThrow('The key is wrong.');
	});

	it('shows what is inserted from now on, once', async () => {
		const server = new MemoryServer();
		const store = open(memoryMailbox(server, human));
		await store.ready;
		for (let number = 0; number < 50; number++) server.insert(`[CLAUDE_1] ${number}`);
		await until(store, ({messages}) => messages.length >= 50);
		expect(store.getState().messages.map(({body}) => Number(body))).toEqual(Array.from({length: 50}, (_, at) => at));
	});

	it('shows what was sent at once, and as a row when it comes back', async () => {
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

	it('sends what could not be sent once the connection is back, exactly once', async () => {
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

	it('keeps the text of what is refused, with the reason', async () => {
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
		expect(channelMessages(store.getState(), 'CLAUDE_1')).toHaveLength(450);
		await store.loadOlder('CLAUDE_1');
		expect(await store.loadOlder('CLAUDE_1')).toBe(false);
	});

	it('keeps a bounded window while messages pour in', async () => {
		const server = new MemoryServer();
		const store = open(memoryMailbox(server, human));
		await store.ready;
		for (let number = 0; number < 7000; number++) server.insert(`[CLAUDE_1] ${number}`);
		await until(store, ({messages}) => messages.at(-1)?.id === 7000);
		expect(store.getState().messages.length).toBeLessThanOrEqual(5500);
	});

	it('starts while nothing can be reached, and reads everything when it can', async () => {
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
});
