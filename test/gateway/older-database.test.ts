import {afterEach, expect, test, vi} from 'vitest';
import {connectMailbox} from '../../source/gateway/connect.ts';
import type {Transport} from '../../source/gateway/link/link.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import {startTestHub, type TestHub} from '../helpers/hub.ts';

const newer = /\/rpc\/(?:inbox_check|messages_poll)$/;
const timing = {idle: 50};

let ends: (() => Promise<void>)[] = [];
afterEach(async () => {
	for (const end of ends.toReversed()) await end();
	ends = [];
});

async function openHub(): Promise<TestHub> {
	const hub = await startTestHub();
	ends.push(() => hub.stop());
	return hub;
}

/** A mailbox of an agent, and the requests that it makes; `isOlder`: as if the database had none of the newer functions. */
function open(hub: TestHub, tag: string, isOlder = false): {mailbox: Mailbox; asked: string[]} {
	const asked: string[] = [];
	const transport: Transport = {
		name: tag,
		ask: () => Promise.reject(new Error('This is not a brief connection.')),
		webSocket: async () => WebSocket,
		fetch: async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
			const {pathname} = new URL(new Request(input).url);
			asked.push(pathname.replace('/rest/v1/', ''));
			if (!isOlder || !newer.test(pathname)) return fetch(input, init);
			const message = `Could not find the function public.${pathname.split('/').at(-1)} in the schema cache`;
			return Response.json({code: 'PGRST202', message, details: null, hint: null}, {status: 404});
		},
	};
	const mailbox = connectMailbox({url: hub.url, key: hub.anonKey, token: hub.tokenFor(tag), timing, transport});
	ends.push(() => mailbox.close());
	return {mailbox, asked};
}

test('a check of the mail is one request; with an older database it is several, and says the same', async () => {
	const hub = await openHub();
	const writer = open(hub, 'WRITER').mailbox;
	for (const tag of ['NEW', 'OLD'])
		for (const text of ['one', 'two']) await writer.post({content: `[WRITER] @${tag} ${text}`});
	const found: unknown[] = [];
	const [checks, others]: [number[], number[]] = [[], []];
	for (const tag of ['NEW', 'OLD']) {
		const {mailbox, asked} = open(hub, tag, tag === 'OLD');
		const first = await mailbox.check({limit: 1, route: 'mcp', takeId: 'first', open: true});
		const second = await mailbox.check({limit: 1, route: 'mcp', open: true});
		const none = await mailbox.check({limit: 1, route: 'mcp', open: true});
		const ids = first.messages.concat(second.messages).map(({id}) => id);
		found.push({
			texts: [first, second, none].map(({messages}) => messages.map(({body}) => body.replace(tag, 'X'))),
			takes: [first, second, none].map(({receipts}) =>
				receipts.map(({state, takes, attempts}) => [state, takes, attempts]),
			),
			waiting: [first, second, none].map(({waiting}) => waiting?.map(id => ids.indexOf(id))),
			open: [first, second, none].map(each => each.open.map(id => ids.indexOf(id))),
		});
		checks.push(asked.filter(name => name === 'rpc/inbox_check').length);
		others.push(asked.length - (checks.at(-1) ?? 0));
	}
	// An older database is not asked for the function each time.
	expect(checks).toEqual([3, 1]);
	expect(others[0]).toBe(0);
	expect(found[1]).toEqual(found[0]);
	expect(found[0]).toMatchObject({
		texts: [['@X one'], ['@X two'], []],
		waiting: [[1], [], []],
		open: [[], [], [0, 1]],
	});
});

test.each([false, true])(
	'a subscriber that looks regularly hears of everything; an older database: %s',
	async isOlder => {
		const hub = await openHub();
		const writer = open(hub, 'WRITER').mailbox;
		await writer.post({content: '[WRITER] before'});
		const {mailbox, asked} = open(hub, 'READER', isOlder);
		const heard: string[] = [];
		let phase = '';
		mailbox.subscribe(
			event => {
				if (event.type === 'connection') ({phase} = event.connection);
				if (event.type === 'messages') heard.push(...event.messages.map(({body}) => body));
			},
			null,
			{agent: 'READER'},
		);
		await vi.waitFor(() => expect(phase).toBe('live'), {timeout: 10_000});
		asked.length = 0;
		const looks = (): number =>
			asked.filter(name => name === 'rpc/messages_since' || name === 'rpc/messages_poll').length;
		await vi.waitFor(() => expect(looks()).toBeGreaterThan(5), {timeout: 10_000});
		expect([asked.includes('rpc/mailbox_state'), asked.includes('rpc/messages_poll')]).toEqual([isOlder, !isOlder]);
		await writer.post({content: '[WRITER] after'});
		await vi.waitFor(() => expect(heard).toEqual(['after']), {timeout: 10_000});
	},
);
