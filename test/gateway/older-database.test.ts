import {afterEach, expect, test, vi} from 'vitest';
import {connectMailbox} from '../../source/gateway/connect.ts';
import type {Transport} from '../../source/gateway/link/link.ts';
import {parseFilter} from '../../source/mailbox/filter/filter-parse.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import type {SearchPart} from '../../source/mailbox/query.ts';
import {startTestHub, type TestHub} from '../helpers/hub.ts';

const newer = /\/rpc\/(?:inbox_check|messages_poll|search_part)$/;
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

/** A request for a part of a search, so that each part is one step. */
function inSteps(init?: RequestInit): RequestInit | undefined {
	if (typeof init?.body !== 'string') return init;
	return {...init, body: init.body.replace(/"p_milliseconds":\d+/, '"p_milliseconds":0')};
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
			if (!isOlder || !newer.test(pathname)) return fetch(input, inSteps(init));
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

test('a search takes several requests in a long history; with an older database it is one, and finds the same', async () => {
	const hub = await openHub();
	const writer = open(hub, 'WRITER').mailbox;
	const service = {
		apikey: hub.serviceRoleKey,
		authorization: `Bearer ${hub.serviceRoleKey}`,
		'content-type': 'application/json',
	};
	const history = Array.from({length: 700}, (_, n) => ({
		content: `[WRITER] number ${n}${n % 90 === 0 ? ' needle' : ''}`,
	}));
	const inserted = await fetch(`${hub.url}/rest/v1/messages`, {
		method: 'POST',
		headers: service,
		body: JSON.stringify(history),
	});
	expect(inserted.status).toBe(201);
	await writer.post({content: '[WRITER] the newest needle'});
	const found: unknown[] = [];
	const counts: number[] = [];
	for (const tag of ['NEW', 'OLD']) {
		const {mailbox, asked} = open(hub, tag, tag === 'OLD');
		const bodies: string[][] = [];
		for (const [query, limit] of [
			['needle', 50],
			['needle', 5],
			['absent', 50],
			['"number 90" or "number 630" or newest', 50],
			['needle or number', 3],
		] as const) {
			const {filter} = parseFilter(query, Date.now());
			const whole = await mailbox.search(filter, {limit});
			const parts: SearchPart[] = [];
			for await (const part of mailbox.searchParts(filter, {limit})) parts.push(part);
			expect(parts.flatMap(({messages}) => messages)).toEqual(whole);
			const reached = parts.map(({searchedTo}) => searchedTo?.id ?? 0);
			expect(reached).toEqual(reached.toSorted((one, other) => other - one));
			expect(parts.every(({messages}, index) => messages.every(({id}) => id >= reached[index]!))).toBe(true);
			expect(parts.slice(0, -1).every(({searchedTo}) => typeof searchedTo?.at === 'string')).toBe(true);
			if (query === 'absent') counts.push(parts.length);
			bodies.push(whole.map(({body}) => body));
		}
		found.push(bodies);
		expect(asked.filter(name => name === 'rpc/search_part').length > 1).toBe(tag === 'NEW');
	}
	expect(found[1]).toEqual(found[0]);
	expect(found[0]).toMatchObject([
		{length: 9},
		{length: 5},
		[],
		['the newest needle', 'number 630 needle', 'number 90 needle'],
		{length: 3},
	]);
	expect(counts[0]).toBeGreaterThan(2);
	expect(counts[1]).toBe(1);
});
