import {randomUUID} from 'node:crypto';
import {afterAll, afterEach, beforeAll, expect, test} from 'vitest';
import type {Identity} from '../../source/mailbox/agent.ts';
import {everything} from '../../source/mailbox/filter.ts';
import {compileFilter} from '../../source/mailbox/filter/filter-match.ts';
import {parseFilter} from '../../source/mailbox/filter/filter-parse.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import type {SearchPage, SearchPart} from '../../source/mailbox/query.ts';
import {isStuck} from '../../source/mailbox/receipt.ts';
import {redactionOf} from '../../source/mailbox/redaction.ts';
import {foldTag} from '../../source/mailbox/tag.ts';
import type {TaskFilter} from '../../source/mailbox/task.ts';
import {hear} from '../helpers/hear.ts';

/** What the contract needs of one kind of Mailbox. The database may hold rows of earlier tests. */
export interface Bench {
	/** A mailbox with a verified token. */
	open(identity: Pick<Identity, 'tag' | 'kind'>): Promise<Mailbox>;
	/** `insert into messages (content)` by plain SQL, as any client would. */
	insert(content: string): Promise<void>;
	/** Makes a table with the columns `number` and `title`, a row for each title; whether those who take part may read it. */
	table(name: string, titles: readonly string[], mayRead: boolean): Promise<void>;
	/** Ends every lease on a message, as if its time had passed. */
	lapse(): Promise<void>;
	/** Disconnects everyone, runs `meanwhile` unseen by any mailbox, and reconnects. */
	interrupt(meanwhile: () => Promise<void>): Promise<void>;
	close(): Promise<void>;
}

const large = 'ü'.repeat(131_072);

/** What every Mailbox promises: one suite, run against each implementation. */
export function exerciseMailbox(start: () => Promise<Bench>): void {
	let bench: Bench;
	let mailboxes: Mailbox[] = [];
	let serial = 0;

	beforeAll(async () => {
		bench = await start();
	});
	afterEach(async () => {
		await Promise.all(mailboxes.map(mailbox => mailbox.close()));
		mailboxes = [];
	});
	afterAll(() => bench.close());

	/** A tag that no other test uses, and its mailbox. */
	async function join(stem = 'CLAUDE', kind: Identity['kind'] = 'agent'): Promise<[Mailbox, string]> {
		serial += 1;
		const tag = `${stem}_${serial}`;
		const mailbox = await bench.open({tag, kind});
		mailboxes.push(mailbox);
		return [mailbox, tag];
	}

	test('a posted message comes back as the row that the database made of it', async () => {
		const [mailbox, tag] = await join();
		const [, twin] = await join('TWIN');
		const client_id = randomUUID();
		const row = await mailbox.post({content: `[${tag}] hello @${twin}, @${twin}!`, client_id, meta: {why: 'test'}});
		expect(row).toMatchObject({
			content: `[${tag}] hello @${twin}, @${twin}!`,
			tag,
			body: `hello @${twin}, @${twin}!`,
			mentions: [twin],
			reply_to: null,
			thread_id: row.id,
			client_id,
			meta: {why: 'test'},
			author_tag: tag,
			author_kind: 'agent',
			verified: true,
		});
		expect(Number.isSafeInteger(row.id)).toBe(true);
		expect(row.xid).toMatch(/^\d+$/);
		expect(Date.parse(row.created_at)).not.toBeNaN();
	});

	test('posting twice under one client_id inserts once and returns the same row', async () => {
		const [mailbox, tag] = await join();
		const draft = {content: `[${tag}] once`, client_id: randomUUID()};
		const rows = await Promise.all([mailbox.post(draft), mailbox.post(draft)]);
		rows.push(await mailbox.post(draft));
		expect(new Set(rows.map(({id}) => id)).size).toBe(1);
		expect(await mailbox.history({channel: tag})).toHaveLength(1);
	});

	test.each([
		['empty', '', 'invalid'],
		['with NUL', 'a\0b', 'invalid'],
		['with a lone surrogate', 'a\uD800b', 'invalid'],
		['one byte too large', `${large}x`, 'invalid'],
	])('a content %s is refused with one sentence', async (_, content, code) => {
		const [mailbox] = await join('HUMAN', 'human');
		const refusal = mailbox.post({content});
		await expect(refusal).rejects.toMatchObject({name: 'MailboxError', code});
		await expect(refusal).rejects.toThrow(/^The message .*\.$/);
	});

	test('a content of exactly 262,144 bytes is posted and delivered whole', async () => {
		const [mailbox, tag] = await join('HUMAN', 'human');
		const heard = hear(mailbox);
		await heard.live();
		const content = `[${tag}] `.padEnd(large.length * 2 - large.length, 'x');
		const row = await mailbox.post({content: `${content}${'ü'.repeat((262_144 - content.length) / 2)}`});
		expect(Buffer.byteLength(row.content)).toBe(262_144);
		await heard.until(() => heard.contents.length === 1);
		expect(heard.contents).toEqual([row.content]);
	});

	test('any text comes back as it was sent', async () => {
		const [mailbox, tag] = await join();
		const content = `[${tag}] "quotes", \\back\\slash, {braces}, %percent, new\nline, \u202Ebidi, emoji 👩‍👩‍👧, null`;
		expect((await mailbox.post({content})).content).toBe(content);
		expect((await mailbox.history({channel: tag})).at(-1)?.content).toBe(content);
	});

	test('an agent cannot write under another tag; a human can, and who it was stays visible', async () => {
		const [agent] = await join();
		const [human, me] = await join('HUMAN', 'human');
		const [, other] = await join('OTHER');
		await expect(agent.post({content: `[${other}] forged`})).rejects.toMatchObject({code: 'forbidden'});
		const row = await human.post({content: `[${other}] on its behalf`});
		expect(row).toMatchObject({tag: other, author_tag: me, author_kind: 'human', verified: true});
	});

	test('messages inserted by plain SQL have no author and are not verified', async () => {
		const [mailbox, tag] = await join();
		await bench.insert(`[${tag}] by hand`);
		const [row] = await mailbox.history({channel: tag});
		expect(row).toMatchObject({body: 'by hand', author_tag: null, verified: false});
	});

	test('history pages a channel by cursor, oldest first, whatever the case of the tag', async () => {
		const [mailbox, tag] = await join();
		const [twin, other] = await join('TWIN');
		const rows = [];
		for (let n = 0; n < 5; n++) rows.push(await mailbox.post({content: `[${tag}] ${n}`}));
		rows.push(await twin.post({content: `[${other}] @${tag.toLowerCase()} 5`}));
		const ids = rows.map(({id}) => id);
		const page = async (query: object): Promise<number[]> =>
			(await mailbox.history({channel: tag.toLowerCase(), ...query})).map(({id}) => id);
		expect(await page({})).toEqual(ids);
		expect(await page({limit: 2})).toEqual(ids.slice(-2));
		expect(await page({limit: 2, before: ids[4]})).toEqual(ids.slice(2, 4));
		expect(await page({after: ids[3]})).toEqual(ids.slice(4));
		expect(await page({limit: 2, oldest: true})).toEqual(ids.slice(0, 2));
		expect(await page({limit: 2, oldest: true, after: ids[1]})).toEqual(ids.slice(2, 4));
		expect(await page({oldest: true, after: ids[1], before: ids[4]})).toEqual(ids.slice(2, 4));
		const newer = await mailbox.history({limit: 2, oldest: true, after: (ids[0] ?? 0) - 1});
		expect(newer.map(({id}) => id)).toEqual(ids.slice(0, 2));
		expect((await mailbox.history({limit: 3})).map(({id}) => id)).toEqual(ids.slice(-3));
		expect((await mailbox.history({after: ids[4] ?? 0, limit: 1000})).map(({id}) => id)).toContain(ids[5]);
	});

	test('a thread is the root and every reply to it, also to a reply', async () => {
		const [mailbox, tag] = await join();
		const [twin, other] = await join('TWIN');
		const root = await mailbox.post({content: `[${tag}] question`});
		const answer = await twin.post({content: `[${other}] answer`, reply_to: root.id});
		const thanks = await mailbox.post({content: `[${tag}] thanks`, reply_to: answer.id});
		await mailbox.post({content: `[${tag}] something else`});
		expect(thanks).toMatchObject({reply_to: answer.id, thread_id: root.id});
		const thread = await mailbox.history({thread: root.id});
		expect(thread.map(({id}) => id)).toEqual([root.id, answer.id, thanks.id]);
		const own = await mailbox.history({thread: root.id, channel: other});
		expect(own.map(({id}) => id)).toEqual([answer.id]);
		expect(await mailbox.history({thread: root.id, before: thanks.id, limit: 1})).toEqual([answer]);
		expect(await mailbox.history({thread: root.id, after: root.id, limit: 1, oldest: true})).toEqual([answer]);
	});

	test('a reply to a message that is not there is refused', async () => {
		const [mailbox, tag] = await join();
		const refusal = mailbox.post({content: `[${tag}] to nobody`, reply_to: 9_000_000_000});
		await expect(refusal).rejects.toMatchObject({name: 'MailboxError', code: 'not_found'});
	});

	test('channels are all tags that wrote, were addressed or joined, newest first', async () => {
		const [mailbox, tag] = await join();
		const [twin, other] = await join('TWIN');
		const [, silent] = await join('SILENT');
		await twin.touch({role: 'tester'});
		const first = await mailbox.post({content: `[${tag}] a`});
		const second = await mailbox.post({content: `[${tag}] b @${silent}`});
		const channels = await mailbox.channels();
		const of = (name: string) => channels.find(channel => foldTag(channel.tag) === foldTag(name));
		expect(of(tag)?.last_id).toBe(second.id);
		expect(of(silent)?.last_id).toBe(second.id);
		expect(of(other)).toBeDefined();
		expect(first.id).toBeLessThan(second.id);
		const ids = channels.map(({last_id}) => last_id);
		expect(ids).toEqual(ids.toSorted((one, another) => another - one));
	});

	test('search finds words in all of history, newest first', async () => {
		const [mailbox, tag] = await join();
		const word = `w${randomUUID().replaceAll('-', '')}`;
		const one = await mailbox.post({content: `[${tag}] the ${word} migration`});
		const two = await mailbox.post({content: `[${tag}] the ${word} is done`});
		const ids = async (query: string, page: SearchPage = {}) =>
			(await mailbox.search(parseFilter(query, Date.now()).filter, page)).map(({id}) => id);
		expect(await ids(word)).toEqual([two.id, one.id]);
		expect(await ids(`${word} migration`)).toEqual([one.id]);
		expect(await ids(word, {limit: 1})).toEqual([two.id]);
		expect(await ids(word, {limit: 1, before: two.id})).toEqual([one.id]);
		expect(await ids(`${word} nothing`)).toEqual([]);
	});

	test('a search in parts has the same page, and says at its end that nothing is left', async () => {
		const [mailbox, tag] = await join();
		const word = `w${randomUUID().replaceAll('-', '')}`;
		for (let n = 0; n < 5; n++) await mailbox.post({content: `[${tag}] the ${word} number ${n}`});
		for (const [query, page] of [
			[word, {}],
			[`${word} "number 3" or ${word} "number 1"`, {}],
			[`${word} or the`, {limit: 3}],
			[`${word} nothing`, {}],
		] as const) {
			const {filter} = parseFilter(query, Date.now());
			const parts: SearchPart[] = [];
			for await (const part of mailbox.searchParts(filter, page)) parts.push(part);
			expect(parts.flatMap(({messages}) => messages)).toEqual(await mailbox.search(filter, page));
			expect(parts.at(-1)?.searchedTo).toBeNull();
		}
	});

	test('search knows the whole grammar, as it is known where messages are held', async () => {
		const [mailbox, tag] = await join();
		const [twin, other] = await join('TWIN');
		const [human, me] = await join('HUMAN', 'human');
		const word = `w${randomUUID().replaceAll('-', '')}`;
		const root = await mailbox.post({content: `[${tag}] ${word} see source/gateway/rest.ts and #7 @${other}`});
		const answer = await twin.post({content: `[${other}] ${word} done: \`npm test\``, reply_to: root.id});
		const open = await human.post({content: `[${tag}] ${word} by hand, https://example.org @${other}`});
		await bench.insert(`[${tag}] ${word} by plain SQL @${tag}`);
		for (let attempt = 0; attempt < 5; attempt++) {
			await twin.take({route: 'hook'});
			await twin.deliver([open.id], 'hook');
			await bench.lapse();
		}
		const all = await mailbox.search(parseFilter(word, Date.now()).filter);
		expect(all.map(({body}) => body.split(' ')[1])).toEqual(['by', 'by', 'done:', 'see']);
		const [plain] = all;
		const receipts = await mailbox.receipts(all.map(({id}) => id));
		for (const [query, wanted] of Object.entries({
			[`from:${tag.toLowerCase()}`]: [plain!.id, open.id, root.id],
			[`-from:${tag}`]: [answer.id],
			[`to:${me}`]: [],
			[`to:${other}`]: [open.id, root.id],
			[`tag:${other} -to:${other}`]: [answer.id],
			[`tag:${tag} tag:${other}`]: [open.id, root.id],
			[`in:#${root.id}`]: [answer.id, root.id],
			[`-in:${root.id}`]: [plain!.id, open.id],
			[`id:${open.id}`]: [open.id],
			[`-id:${open.id} -id:${plain!.id}`]: [answer.id, root.id],
			'has:task': [root.id],
			'-has:task has:link': [open.id],
			'has:code': [answer.id],
			'is:unverified': [plain!.id],
			'-is:unverified -is:mine': [open.id, answer.id],
			'is:mine': [root.id],
			'is:stuck': [open.id],
			'after:1h': [plain!.id, open.id, answer.id, root.id],
			'before:1h': [],
			'-after:1h': [],
			'gateway rest': [root.id],
			'"source gateway"': [root.id],
			'"sourc gateway"': [],
			'gat or "by hand"': [open.id, root.id],
			'is:unread has:code': [answer.id],
		})) {
			const {filter, faults} = parseFilter(`${query} ${word}`.replace(' or ', ` ${word} or `), Date.now());
			expect(faults).toEqual([]);
			expect([query, (await mailbox.search(filter)).map(({id}) => id)]).toEqual([query, wanted]);
			const test = compileFilter(filter, {
				now: Date.now(),
				me: tag,
				isUnread: () => true,
				isStuck: ({id}) => receipts.some(receipt => receipt.message_id === id && isStuck(receipt, Date.now() + 1000)),
			});
			expect([query, all.filter(test).map(({id}) => id)]).toEqual([query, wanted]);
		}
	});

	test('an aborted search ends', async () => {
		const [mailbox] = await join();
		const ending = new AbortController();
		ending.abort();
		await expect(mailbox.search(everything, {signal: ending.signal})).rejects.toMatchObject({code: 'offline'});
	});

	test('the inbox holds what is addressed to the reader until it acks or replies', async () => {
		const [mailbox, tag] = await join();
		const [twin, other] = await join('TWIN');
		await twin.touch({});
		const inbox = async () => (await twin.inbox(other)).map(({id}) => id);
		const named = await mailbox.post({content: `[${tag}] @${other} one`});
		const everyone = await mailbox.post({content: `[${tag}] two`});
		const own = await twin.post({content: `[${other}] three`});
		const elsewhere = await mailbox.post({content: `[${tag}] @SOMEONE_ELSE four`});
		expect(await inbox()).toEqual([named.id, everyone.id]);
		expect((await twin.inbox(other, {limit: 1})).map(({id}) => id)).toEqual([named.id]);
		await twin.deliver([named.id], 'mcp');
		expect(await inbox()).toEqual([named.id, everyone.id]);
		await twin.ack([named.id], 'mcp');
		expect(await inbox()).toEqual([everyone.id]);
		await twin.post({content: `[${other}] done`, reply_to: everyone.id});
		expect(await inbox()).toEqual([]);
		expect(own.id).toBeLessThan(elsewhere.id);
	});

	test('a message to everyone does not reach back to a reader that joined later; one by name does', async () => {
		const [mailbox, tag] = await join();
		const [late, other] = await join('LATE');
		await mailbox.post({content: `[${tag}] to everyone`});
		const named = await mailbox.post({content: `[${tag}] @${other} by name`});
		await late.touch({});
		expect((await late.inbox(other)).map(({id}) => id)).toEqual([named.id]);
	});

	test('receipts record who got and who acked a message, and repeats change nothing', async () => {
		const [mailbox, tag] = await join();
		const [twin, other] = await join('TWIN');
		const {id} = await mailbox.post({content: `[${tag}] @${other}`});
		expect(await mailbox.receipts([id])).toEqual([]);
		await twin.deliver([id], 'hook');
		const [delivered] = await mailbox.receipts([id]);
		expect(delivered).toMatchObject({
			message_id: id,
			reader: other,
			state: 'delivered',
			route: 'hook',
			acked_at: null,
		});
		await twin.ack([id], 'mcp');
		const acked = await mailbox.receipts([id]);
		expect(acked).toMatchObject([{state: 'acked', delivered_at: delivered?.delivered_at}]);
		await twin.deliver([id], 'hook');
		await twin.ack([id], 'mcp');
		expect(await mailbox.receipts([id])).toEqual(acked);
		expect(await mailbox.receipts([])).toEqual([]);
	});

	test('two agents who ack the same message at once have a receipt each, and a third still has it to do', async () => {
		const [mailbox, tag] = await join();
		const agents = [await join('TWIN'), await join('TWIN'), await join('TWIN')];
		const names = agents.map(([, name]) => name);
		for (let round = 0; round < 5; round++) {
			const {id} = await mailbox.post({content: `[${tag}] ${names.map(name => `@${name}`).join(' ')} ${round}`});
			const [first, second] = agents;
			await Promise.all([first?.[0].ack([id], 'mcp'), second?.[0].ack([id], 'hook'), first?.[0].ack([id], 'hook')]);
			const receipts = await mailbox.receipts([id]);
			expect(receipts.map(({reader}) => reader).sort()).toEqual(names.slice(0, 2).sort());
			expect(receipts.every(({state}) => state === 'acked')).toBe(true);
		}
		const left = await Promise.all(agents.map(async ([own, name]) => (await own.inbox(name)).length));
		expect(left).toEqual([0, 0, 5]);
	});

	test('two clients under one tag are never handed the same message, and both together get all', async () => {
		const [mailbox, tag] = await join();
		const [hook, other] = await join('TWIN');
		const server = await bench.open({tag: other, kind: 'agent'});
		mailboxes.push(server);
		const sent: number[] = [];
		for (let n = 0; n < 12; n++) sent.push((await mailbox.post({content: `[${tag}] @${other} ${n}`})).id);
		const taken: number[][] = [];
		const drain = async (client: Mailbox, route: string): Promise<void> => {
			for (;;) {
				const messages = await client.take({limit: 2, route});
				if (messages.length === 0) return;
				taken.push(messages.map(({id}) => id));
			}
		};
		await Promise.all([drain(hook, 'hook'), drain(server, 'mcp'), drain(server, 'mcp')]);
		expect(taken.flat().sort((one, another) => one - another)).toEqual(sent);
		for (const ids of taken) expect(ids).toEqual(ids.toSorted((one, another) => one - another));
		expect((await mailbox.receipts(sent)).every(({state, takes}) => state === 'taken' && takes === 1)).toBe(true);
		expect((await hook.inbox(other)).map(({id}) => id)).toEqual(sent);
	});

	test('a taken message comes again when its lease expires; a delivered one after a longer lease; an acked one never', async () => {
		const [mailbox, tag] = await join();
		const [twin, other] = await join('TWIN');
		const take = async () => (await twin.take({route: 'hook'})).map(({id}) => id);
		const receipt = async () => (await mailbox.receipts([id]))[0];
		const {id} = await mailbox.post({content: `[${tag}] @${other} once`});
		expect(await take()).toEqual([id]);
		expect(await take()).toEqual([]);
		expect(await receipt()).toMatchObject({state: 'taken', route: 'hook', attempts: 0, takes: 1, delivered_at: null});
		await bench.lapse();
		expect(await take()).toEqual([id]);
		await twin.deliver([id], 'hook');
		const delivered = await receipt();
		expect(delivered).toMatchObject({state: 'delivered', attempts: 1, takes: 0});
		expect(Date.parse(delivered?.lease_until ?? '') - Date.now()).toBeGreaterThan(500_000);
		await twin.deliver([id], 'mcp');
		expect(await receipt()).toEqual(delivered);
		expect(await take()).toEqual([]);
		await bench.lapse();
		expect(await take()).toEqual([id]);
		expect(await receipt()).toMatchObject({
			state: 'taken',
			attempts: 1,
			takes: 1,
			delivered_at: delivered?.delivered_at,
		});
		await twin.ack([id], 'mcp');
		expect(await receipt()).toMatchObject({state: 'acked', lease_until: null, delivered_at: delivered?.delivered_at});
		await bench.lapse();
		expect(await take()).toEqual([]);
	});

	test('a taken message that cannot be handed over is released, and is never stuck', async () => {
		const [mailbox, tag] = await join();
		const [twin, other] = await join('TWIN');
		const {id} = await mailbox.post({content: `[${tag}] @${other} once`});
		const take = async (takeId: string) => (await twin.take({route: 'hook', takeId})).map(message => message.id);
		for (let n = 0; n < 7; n++) {
			expect(await take(`take ${n}`)).toEqual([id]);
			await twin.release(`take ${n}`);
			// The first time, it is free immediately.
			if (n > 0) await bench.lapse();
		}
		const [given] = await mailbox.receipts([id]);
		expect(given).toMatchObject({state: 'taken', attempts: 0, takes: 7, delivered_at: null});
		expect(await take('last')).toEqual([id]);
		await twin.deliver([id], 'hook');
		await twin.release('last');
		expect((await mailbox.receipts([id]))[0]).toMatchObject({state: 'delivered', attempts: 1, takes: 0});
		expect(await take('none')).toEqual([]);
	});

	test('a message that a session was handed and will not read is given back, and never stuck', async () => {
		const [mailbox, tag] = await join();
		const [twin, other] = await join('TWIN');
		const {id} = await mailbox.post({content: `[${tag}] @${other} once`});
		for (let n = 1; n <= 7; n++) {
			expect((await twin.take({route: 'hook'})).map(message => message.id)).toEqual([id]);
			await twin.deliver([id], 'hook', 'session');
			await twin.giveBack('another');
			expect((await mailbox.receipts([id]))[0]).toMatchObject({state: 'delivered', attempts: n});
			await twin.giveBack('session');
			expect((await mailbox.receipts([id]))[0]).toMatchObject({state: 'taken', attempts: n, returned: n, takes: 0});
			await bench.lapse();
		}
	});

	test('a message to the sender answers what was handed over, without reply_to; to another it does not', async () => {
		const [mailbox, tag] = await join();
		const [twin, other] = await join('TWIN');
		const {id} = await mailbox.post({content: `[${tag}] @${other} can you do X?`});
		await twin.post({content: `[${other}] @${tag} hello`});
		expect(await mailbox.receipts([id])).toEqual([]);
		await twin.take({route: 'hook'});
		await twin.deliver([id], 'hook');
		await twin.post({content: `[${other}] @NOBODY hello`});
		expect(await mailbox.receipts([id])).toMatchObject([{state: 'delivered'}]);
		await twin.post({content: `[${other}] @${tag} X is done`});
		expect(await mailbox.receipts([id])).toMatchObject([{state: 'acked', route: 'answer'}]);
	});

	test('a message handed over five times without an ack is not handed over again, and hides nothing behind it', async () => {
		const [mailbox, tag] = await join();
		const [twin, other] = await join('TWIN');
		const stuck = await mailbox.post({content: `[${tag}] @${other} nobody answers`});
		for (let attempt = 1; attempt <= 5; attempt++) {
			expect((await twin.take({limit: 1, route: 'hook'})).map(({id}) => id)).toEqual([stuck.id]);
			await twin.deliver([stuck.id], 'hook');
			await bench.lapse();
		}
		expect(await twin.take({limit: 1, route: 'hook'})).toEqual([]);
		expect((await mailbox.receipts([stuck.id]))[0]).toMatchObject({state: 'delivered', attempts: 5, acked_at: null});
		const next = await mailbox.post({content: `[${tag}] @${other} and now?`});
		expect((await twin.take({limit: 1, route: 'hook'})).map(({id}) => id)).toEqual([next.id]);
		expect((await twin.inbox(other)).map(({id}) => id)).toEqual([stuck.id, next.id]);
	});

	test("a message without mentions is handed over to all who had joined; a reply ends only its author's lease", async () => {
		const [mailbox, tag] = await join();
		const [twin, other] = await join('TWIN');
		const [late, never] = await join('LATE');
		await twin.touch({});
		const everyone = await mailbox.post({content: `[${tag}] to everyone`});
		const named = await mailbox.post({content: `[${tag}] @${other} @${never} by name`});
		expect((await twin.take({route: 'hook'})).map(({id}) => id)).toEqual([everyone.id, named.id]);
		expect((await late.take({route: 'hook'})).map(({id}) => id)).toEqual([named.id]);
		await twin.post({content: `[${other}] done`, reply_to: named.id});
		await bench.lapse();
		expect((await twin.take({route: 'hook'})).map(({id}) => id)).toEqual([everyone.id]);
		expect((await late.take({route: 'hook'})).map(({id}) => id)).toEqual([named.id]);
		expect((await mailbox.take({route: 'hook'})).map(({tag: from}) => from)).not.toContain(tag);
	});

	test('a task goes from queued over running to done, by its one owner', async () => {
		const [mailbox, tag] = await join();
		const [twin, other] = await join('TWIN');
		const queue = `q${tag}`;
		const added = await mailbox.tasks.add({title: 'Migrate', body: 'all of it', queue, priority: 3});
		expect(added).toMatchObject({
			title: 'Migrate',
			body: 'all of it',
			status: 'queued',
			priority: 3,
			created_by: tag,
		});
		const claimed = await twin.tasks.claim({queue, lease: 60});
		expect(claimed).toMatchObject({id: added.id, status: 'running', lease_owner: other, attempts: 1});
		const token = claimed?.lease_token ?? -1;
		expect(await mailbox.tasks.claim({queue})).toBeNull();
		expect(await twin.tasks.progress(added.id, token, 0.5, 'half')).toMatchObject({progress: 0.5});
		expect(await twin.tasks.heartbeat(added.id, token, 120)).toMatchObject({status: 'running'});
		const renewals = [
			{id: added.id, token, lease: 300},
			{id: added.id, token: token + 1, lease: 300},
		];
		expect(await twin.tasks.renew(renewals)).toEqual([added.id]);
		expect(await mailbox.tasks.renew(renewals, 60)).toEqual([]);
		await expect(twin.tasks.finish(added.id, token + 1, {ok: true})).rejects.toMatchObject({code: 'conflict'});
		await expect(mailbox.tasks.finish(added.id, token, {ok: true})).rejects.toMatchObject({name: 'MailboxError'});
		const done = await twin.tasks.finish(added.id, token, {ok: true, result: {rows: 3}});
		expect(done).toMatchObject({status: 'done', result: {rows: 3}});
		expect(await twin.tasks.finish(added.id, token, {ok: true, result: {rows: 3}})).toEqual(done);
		await expect(twin.tasks.finish(added.id, token, {ok: true})).rejects.toMatchObject({
			code: 'conflict',
			message: expect.stringContaining('was already finished with a different outcome'),
		});
		expect((await mailbox.tasks.list({queue})).map(({id}) => id)).toEqual([added.id]);
		expect(await mailbox.tasks.list({queue, status: ['queued', 'running']})).toEqual([]);
	});

	test('tasks are claimed by priority, dependencies first, and each by one claimer only', async () => {
		const [mailbox, tag] = await join();
		const queue = `q${tag}`;
		const low = await mailbox.tasks.add({title: 'low', queue});
		const high = await mailbox.tasks.add({title: 'high', queue, priority: 9, depends_on: [low.id]});
		const claims = await Promise.all([1, 2, 3].map(() => mailbox.tasks.claim({queue})));
		const first = claims.find(claim => claim !== null);
		expect(claims.filter(claim => claim !== null)).toHaveLength(1);
		expect(first?.id).toBe(low.id);
		expect((await mailbox.tasks.list({queue, owner: tag.toLowerCase()})).map(({id}) => id)).toEqual([low.id]);
		await mailbox.tasks.finish(low.id, first?.lease_token ?? -1, {ok: true});
		expect((await mailbox.tasks.claim({queue}))?.id).toBe(high.id);
	});

	test('adding a task twice under one idem_key returns the first; a cancelled one is not claimed', async () => {
		const [mailbox, tag] = await join();
		const queue = `q${tag}`;
		const one = await mailbox.tasks.add({title: 'one', queue, idem_key: 'k'});
		expect((await mailbox.tasks.add({title: 'again', queue, idem_key: 'k'})).id).toBe(one.id);
		expect(await mailbox.tasks.cancel(one.id)).toMatchObject({status: 'cancelled'});
		expect(await mailbox.tasks.claim({queue})).toBeNull();
		await expect(mailbox.tasks.cancel(9_000_000_000)).rejects.toMatchObject({code: 'not_found'});
	});

	test('a plan is a task with steps: it is added once, its steps are claimed in order, and it ends with them', async () => {
		const [mailbox, tag] = await join();
		const queue = `q${tag}`;
		const draft = {title: 'plan', queue, priority: 2, idem_key: 'p'};
		const added = await mailbox.tasks.plan(draft, [{title: 'one', body: 'how'}, {title: 'two'}], true);
		const [plan, one, two] = added;
		expect(added).toMatchObject([
			{title: 'plan', parent_id: null, created_by: tag},
			{title: 'one', body: 'how', queue, priority: 2, parent_id: plan?.id, position: 1, depends_on: []},
			{title: 'two', body: '', parent_id: plan?.id, position: 2, depends_on: [one?.id]},
		]);
		const again = await mailbox.tasks.plan({...draft, title: 'again'}, [{title: 'other'}], false);
		expect(again.map(({id}) => id)).toEqual(added.map(({id}) => id));
		expect(await mailbox.tasks.claim({id: plan?.id ?? 0})).toBeNull();
		expect(await mailbox.tasks.claim({id: two?.id ?? 0})).toBeNull();
		expect((await mailbox.tasks.claim({id: one?.id ?? 0}))?.title).toBe('one');
		const ids = async (filter: TaskFilter) =>
			(await mailbox.tasks.list(filter)).map(({id}) => id).sort((one, other) => one - other);
		expect(await ids({parents: [plan?.id ?? 0]})).toEqual([one?.id, two?.id]);
		expect(await ids({ids: [plan?.id ?? 0, two?.id ?? 0]})).toEqual([plan?.id, two?.id]);
	});

	test('dead and cancelled tasks can be retried, and others cannot', async () => {
		const [mailbox, tag] = await join();
		const queue = `q${tag}`;
		const {id} = await mailbox.tasks.add({title: 'flaky', queue, max_attempts: 1});
		await expect(mailbox.tasks.retry(id)).rejects.toMatchObject({code: 'conflict'});
		const claimed = await mailbox.tasks.claim({queue});
		await mailbox.tasks.finish(id, claimed?.lease_token ?? 0, {ok: false, error: 'no luck'});
		expect((await mailbox.tasks.list({queue}))[0]?.status).toBe('dead');
		expect(await mailbox.tasks.retry(id)).toMatchObject({id, status: 'queued', attempts: 0});
		await mailbox.tasks.cancel(id);
		expect(await mailbox.tasks.retry(id)).toMatchObject({id, status: 'queued'});
		await expect(mailbox.tasks.retry(9_000_000_000)).rejects.toMatchObject({code: 'not_found'});

		const steps = [{title: 'one'}, {title: 'two'}];
		const [plan] = await mailbox.tasks.plan({title: 'plan', queue: `p${queue}`}, steps, true);
		await mailbox.tasks.cancel(plan?.id ?? 0);
		expect((await mailbox.tasks.list({queue: `p${queue}`})).map(({status}) => status)).toEqual(
			Array.from({length: 3}, () => 'cancelled'),
		);
		await mailbox.tasks.retry(plan?.id ?? 0);
		expect((await mailbox.tasks.list({queue: `p${queue}`, status: ['queued']})).length).toBe(3);
	});

	test('an assigned task is for its assignee alone, and a plan is assigned with its steps', async () => {
		const [mailbox, tag] = await join();
		const [twin, other] = await join('TWIN');
		const queue = `q${tag}`;
		const {id} = await mailbox.tasks.add({title: 'for the twin', queue, assignee: other.toLowerCase()});
		expect(await mailbox.tasks.claim({queue})).toBeNull();
		expect(await mailbox.tasks.assign(id, null)).toMatchObject({id, assignee: null});
		expect(await mailbox.tasks.assign(id, other)).toMatchObject({id, assignee: other});
		expect(await mailbox.tasks.claim({id})).toBeNull();
		expect(await twin.tasks.claim({queue})).toMatchObject({id, assignee: other});
		await expect(mailbox.tasks.assign(id, tag)).rejects.toMatchObject({code: 'conflict'});
		const [plan, step] = await mailbox.tasks.plan({title: 'plan', queue}, [{title: 'step'}], true);
		await mailbox.tasks.assign(plan?.id ?? 0, other);
		expect(await mailbox.tasks.claim({queue})).toBeNull();
		expect(await twin.tasks.claim({queue})).toMatchObject({id: step?.id, assignee: other});
	});

	test("an agent neither cancels, retries, assigns nor reprioritises another's task; a human does", async () => {
		const [mailbox, tag] = await join();
		const [other] = await join('OTHER');
		const [human] = await join('HUMAN', 'human');
		const {id} = await mailbox.tasks.add({title: 'mine', queue: `q${tag}`});
		const calls = (tasks: Mailbox['tasks']) => [
			() => tasks.assign(id, tag),
			() => tasks.prioritise(id, 3),
			() => tasks.cancel(id),
			() => tasks.retry(id),
		];
		for (const call of calls(other.tasks)) await expect(call()).rejects.toMatchObject({code: 'forbidden'});
		for (const call of calls(human.tasks)) expect(await call()).toMatchObject({id});
	});

	test('a redacted message keeps its author and time, and all subscribers receive what is left of it', async () => {
		const [mailbox, tag] = await join();
		const [other, reader] = await join('READER');
		const [human, me] = await join('HUMAN', 'human');
		const listening = hear(other);
		await listening.live();
		const before = await mailbox.post({content: `[${tag}] secret for @${reader}`, meta: {secret: 1}});
		const own = await mailbox.post({content: `[${tag}] taken back`});
		await listening.until(() => listening.messages.some(({id}) => id === own.id));
		await expect(other.redact(before.id)).rejects.toMatchObject({code: 'forbidden'});
		await expect(human.redact(9_000_000_000)).rejects.toMatchObject({code: 'not_found'});
		const after = await human.redact(before.id, 'a secret');
		const {content, body, mentions, meta, ...kept} = before;
		expect(content).toContain('secret');
		expect(after).toMatchObject({...kept, content: `[${tag}] (redacted)`, body: '(redacted)', mentions: []});
		expect(after.meta).not.toEqual(meta);
		expect(redactionOf(after)).toMatchObject({by: me, isHuman: true, reason: 'a secret', signature: null});
		expect(await human.redact(before.id, 'again')).toEqual(after);
		expect(redactionOf(await mailbox.redact(own.id))).toMatchObject({by: tag, reason: null, signature: null});
		await listening.until(() => [before, own].every(({id}) => listening.redacted.some(each => each.id === id)));
		expect(listening.redacted.find(({id}) => id === before.id)).toEqual(after);
		expect(listening.messages.filter(({id}) => id === before.id)).toHaveLength(1);
		expect(await other.inbox(reader)).toEqual([]);
		listening.stop();
		// A subscriber that starts only now receives it, too.
		const later = hear(mailbox);
		await later.live();
		expect(later.redacted).toContainEqual(after);
		later.stop();
		expect(body).toContain('secret');
		expect(mentions).toEqual([reader]);
	});

	test('tasks of higher priority go first, also when the priority changes', async () => {
		const [mailbox, tag] = await join();
		const queue = `q${tag}`;
		const first = await mailbox.tasks.add({title: 'first', queue});
		const second = await mailbox.tasks.add({title: 'second', queue});
		expect(await mailbox.tasks.prioritise(second.id, 3)).toMatchObject({id: second.id, priority: 3});
		expect((await mailbox.tasks.claim({queue}))?.id).toBe(second.id);
		await mailbox.tasks.cancel(first.id);
		await expect(mailbox.tasks.prioritise(first.id, 1)).rejects.toMatchObject({code: 'conflict'});
	});

	test('a readable table shows its first fifty rows, and any other says why not', async () => {
		const [mailbox, tag] = await join();
		const name = `result_of_${tag.toLowerCase()}`;
		const titles = Array.from({length: 60}, (_, number) => `row ${number} 日本`);
		await bench.table(name, titles, true);
		await bench.table(`${name}_shut`, ['secret'], false);
		const rows = await mailbox.table(name);
		expect(rows).toHaveLength(50);
		expect(rows[0]).toEqual({number: 0, title: 'row 0 日本'});
		expect(await mailbox.table(`public.${name}`)).toHaveLength(50);
		await expect(mailbox.table(`${name}_shut`)).rejects.toMatchObject({code: 'forbidden'});
		await expect(mailbox.table('no_such_table')).rejects.toMatchObject({code: 'not_found'});
		for (const strange of ['', 'a b', 'x;drop table tasks', '../rpc/task_claim', 'a'.repeat(64), 'auth.users']) {
			await expect(mailbox.table(strange)).rejects.toMatchObject({code: 'invalid'});
		}
	});

	test('changes tell how tasks and agents stood, oldest first, in pages', async () => {
		const [mailbox, tag] = await join();
		const from = (await mailbox.touch({presence: 'working'})).last_seen_at ?? '';
		// A memory mailbox that is touched more often than once a millisecond runs ahead of the clock.
		while (Date.now() <= Date.parse(from)) await new Promise(resolve => setTimeout(resolve, 1));
		const {id} = await mailbox.tasks.add({title: 'look back', queue: tag});
		const claimed = await mailbox.tasks.claim({queue: tag});
		await mailbox.tasks.finish(id, claimed!.lease_token, {ok: true});
		await mailbox.touch({presence: 'blocked'});
		const all = (await mailbox.changes({from})).filter(change => change.tag === tag || change.tag === null);
		expect(all).toMatchObject([
			{kind: 'presence', tag, state: 'working'},
			{kind: 'task', task_id: id, tag: null, state: 'queued', progress: 0},
			{kind: 'task', task_id: id, tag, state: 'running'},
			{kind: 'task', task_id: id, tag, state: 'done', progress: 1},
			{kind: 'presence', tag, state: 'blocked'},
		]);
		expect(all.map(({at}) => Date.parse(at))).toEqual(
			all.map(({at}) => Date.parse(at)).sort((one, other) => one - other),
		);
		const newest = await mailbox.changes({from, limit: 2});
		expect(newest).toEqual(all.slice(-2));
		expect((await mailbox.changes({from, before: newest[0]!, limit: 2})).slice(-2)).toEqual(all.slice(1, 3));
		expect(await mailbox.changes({from, to: newest[0]!.at})).toContainEqual(all[0]);
		const since = await mailbox.changes({from: newest[0]!.at});
		expect(since.slice(-2)).toEqual(newest);
		expect(since).toContainEqual(all[0]);
		expect(since).toContainEqual(all[2]);
	});

	test('touch joins the identity, and agents shows its role and presence', async () => {
		const [mailbox, tag] = await join();
		expect(await mailbox.identity()).toEqual({tag, kind: 'agent', verified: true});
		const joined = await mailbox.touch({role: 'builder', presence: 'working'});
		expect(joined).toMatchObject({tag, kind: 'agent', role: 'builder', presence: 'working', revoked_at: null});
		const again = await mailbox.touch({presence: 'idle'});
		expect(again).toMatchObject({role: 'builder', presence: 'idle', joined_at: joined.joined_at});
		expect((await mailbox.agents()).filter(agent => agent.tag === tag)).toHaveLength(1);
	});

	test('an agent that a human revoked is refused everything until it is restored; its mail waits', async () => {
		const [mailbox, tag] = await join();
		const [human] = await join('PERSON', 'human');
		await mailbox.touch({});
		const {id} = await human.post({content: `[HUMAN] before @${tag}`});
		const revoked = await human.revoke(tag.toLowerCase());
		expect(revoked).toMatchObject({tag, revoked_at: expect.any(String)});
		expect(await human.revoke(tag)).toEqual(revoked);
		expect((await human.agents()).find(agent => agent.tag === tag)).toEqual(revoked);
		const asked: {readonly [what: string]: () => Promise<unknown>} = {
			history: () => mailbox.history({}),
			thread: () => mailbox.history({thread: id}),
			channel: () => mailbox.history({channel: tag}),
			channels: () => mailbox.channels(),
			cursor: () => mailbox.cursor(),
			post: () => mailbox.post({content: `[${tag}] hello`}),
			search: () => mailbox.search(everything),
			inbox: () => mailbox.inbox(tag),
			take: () => mailbox.take({route: 'hook'}),
			release: () => mailbox.release('none'),
			deliver: () => mailbox.deliver([id], 'hook'),
			ack: () => mailbox.ack([id], 'mcp'),
			'tasks.list': () => mailbox.tasks.list({queue: tag}),
			'tasks.add': () => mailbox.tasks.add({title: 'mine', queue: tag}),
			'tasks.claim': () => mailbox.tasks.claim({queue: tag}),
			'tasks.retry': () => mailbox.tasks.retry(1),
			'tasks.assign': () => mailbox.tasks.assign(1, tag),
			'tasks.prioritise': () => mailbox.tasks.prioritise(1, 9),
			table: () => mailbox.table('messages'),
			agents: () => mailbox.agents(),
			touch: () => mailbox.touch({presence: 'working'}),
		};
		const answers = await Promise.all(
			Object.entries(asked).map(async ([what, ask]) => {
				return [what, await ask().then(String, ({code, message}: Error & {code: string}) => `${code}: ${message}`)];
			}),
		);
		expect(Object.fromEntries(answers)).toEqual(
			Object.fromEntries(Object.keys(asked).map(what => [what, `forbidden: ${tag} has been revoked.`])),
		);
		await human.post({content: `[HUMAN] meanwhile @${tag}`});
		expect(await human.restore(tag)).toMatchObject({tag, revoked_at: null});
		// On a hub with the token that it then gets.
		const again = await bench.open({tag, kind: 'agent'});
		expect((await again.take({route: 'hook'})).map(({body}) => body)).toEqual([`before @${tag}`, `meanwhile @${tag}`]);
	});

	test('only humans can revoke and restore, only agents that have joined, and never themselves', async () => {
		const [mailbox, tag] = await join();
		const [human, person] = await join('PERSON', 'human');
		await Promise.all([mailbox.touch({}), human.touch({})]);
		await expect(mailbox.revoke(person)).rejects.toMatchObject({code: 'forbidden'});
		await expect(mailbox.restore(tag)).rejects.toMatchObject({code: 'forbidden'});
		await expect(human.revoke('NOBODY_EVER')).rejects.toMatchObject({code: 'not_found'});
		await expect(human.restore('NOBODY_EVER')).rejects.toMatchObject({code: 'not_found'});
		await expect(human.revoke(person.toLowerCase())).rejects.toMatchObject({code: 'invalid'});
	});

	test('several clients under one tag are counted, and the agent does what the busiest of them does', async () => {
		const [mailbox, tag] = await join();
		expect(await mailbox.touch({session: 'a:1', wake: 'bell'})).toMatchObject({
			presence: 'idle',
			sessions: 1,
			wake: 'bell',
		});
		expect(await mailbox.touch({session: 'a:1', presence: 'blocked'})).toMatchObject({
			presence: 'blocked',
			wake: 'bell',
		});
		expect(await mailbox.touch({session: 'b:2', presence: 'working'})).toMatchObject({
			presence: 'working',
			sessions: 2,
		});
		expect(await mailbox.touch({session: 'b:2', presence: 'idle'})).toMatchObject({presence: 'blocked', sessions: 2});
		expect(await mailbox.touch({session: 'a:1', presence: 'away'})).toMatchObject({
			presence: 'idle',
			sessions: 1,
			wake: null,
		});
		expect(await mailbox.touch({session: 'a:1', presence: 'away'})).toMatchObject({presence: 'idle', sessions: 1});
		expect(await mailbox.touch({session: 'b:2', wake: 'socket'})).toMatchObject({wake: 'socket'});
		expect(await mailbox.touch({session: 'b:2', wake: 'none'})).toMatchObject({wake: null});
		expect(await mailbox.touch({session: 'b:2', presence: 'away'})).toMatchObject({presence: 'away', sessions: 0});
		expect((await mailbox.agents()).find(agent => agent.tag === tag)).toMatchObject({presence: 'away', sessions: 0});
	});

	test('the free part of an inbox is what a take would return now', async () => {
		const [mailbox, tag] = await join();
		const [twin, other] = await join('TWIN');
		const free = async () => (await twin.inbox(other, {free: true})).map(({id}) => id);
		const one = await mailbox.post({content: `[${tag}] @${other} one`});
		const two = await mailbox.post({content: `[${tag}] @${other} two`});
		expect(await free()).toEqual([one.id, two.id]);
		await twin.take({limit: 1, route: 'hook'});
		expect(await free()).toEqual([two.id]);
		await twin.ack([two.id], 'mcp');
		expect(await free()).toEqual([]);
		await bench.lapse();
		expect(await free()).toEqual([one.id]);
	});

	test('a subscriber goes from connecting through catching up to live, and receives messages, tasks, agents and receipts', async () => {
		const [mailbox, tag] = await join();
		const [twin, other] = await join('TWIN');
		const heard = hear(mailbox);
		await heard.live();
		expect(heard.phases.slice(0, 3)).toEqual(['connecting', 'catching_up', 'live']);
		await twin.touch({presence: 'blocked'});
		const message = await mailbox.post({content: `[${tag}] @${other} heard`});
		await twin.ack([message.id], 'mcp');
		const task = await twin.tasks.add({title: 'heard', queue: `q${tag}`});
		await bench.insert(`[${tag}] by hand`);
		await heard.until(
			() =>
				heard.contents.includes(`[${tag}] by hand`) &&
				heard.agents.some(agent => agent.tag === other && agent.presence === 'blocked') &&
				heard.receipts.some(({message_id, state}) => message_id === message.id && state === 'acked') &&
				heard.tasks.some(({id}) => id === task.id),
		);
		expect(heard.messages[0]).toEqual(message);
		expect(heard.contents).toEqual([message.content, `[${tag}] by hand`]);
	});

	test('a subscription from a cursor receives what came after it, and nothing before', async () => {
		const [mailbox, tag] = await join();
		const before = hear(mailbox);
		await before.live();
		const first = await mailbox.post({content: `[${tag}] 1`});
		await before.until(() => (before.cursors.at(-1)?.id ?? 0) >= first.id);
		before.stop();
		for (const n of [2, 3, 4]) await mailbox.post({content: `[${tag}] ${n}`});
		const after = hear(mailbox, before.cursors.at(-1));
		await after.live();
		await mailbox.post({content: `[${tag}] 5`});
		await after.until(() => after.contents.length >= 4);
		expect(after.contents).toEqual([2, 3, 4, 5].map(n => `[${tag}] ${n}`));
		expect(before.contents).toEqual([`[${tag}] 1`]);
	});

	test('what is written while the connection is down comes once, when it is back, and is then followed live', async () => {
		const [mailbox, tag] = await join();
		const heard = hear(mailbox);
		await heard.live();
		await mailbox.post({content: `[${tag}] before`});
		await bench.interrupt(async () => {
			await heard.until(() => heard.phases.at(-1) === 'offline');
			await expect(mailbox.history({limit: 1})).rejects.toMatchObject({code: 'offline'});
		});
		for (let n = 0; n < 20; n++) await bench.insert(`[${tag}] meanwhile ${n}`);
		await heard.live();
		await mailbox.post({content: `[${tag}] after`});
		await heard.until(() => heard.contents.includes(`[${tag}] after`));
		const meanwhile = Array.from({length: 20}, (_, n) => `[${tag}] meanwhile ${n}`);
		// A row that rings may be told before those of the catch-up under way: what the screen shows is ordered by id.
		const inOrder = heard.messages.toSorted((one, other) => one.id - other.id).map(({content}) => content);
		expect(inOrder).toEqual([`[${tag}] before`, ...meanwhile, `[${tag}] after`]);
		expect(heard.offline[0]).toMatch(/^[A-Z].*\.$/s);
		expect(heard.phases.slice(-3)).toEqual(['connecting', 'catching_up', 'live'].slice(-3));
	});

	test('a burst from several writers is received completely, each message once', async () => {
		const writers = await Promise.all(Array.from({length: 4}, () => join('WRITER')));
		const [mailbox] = await join();
		const heard = hear(mailbox);
		await heard.live();
		const rows = await Promise.all(
			writers.flatMap(([writer, tag]) => Array.from({length: 25}, (_, n) => writer.post({content: `[${tag}] ${n}`}))),
		);
		await heard.until(() => heard.messages.length >= rows.length);
		const ids = (list: readonly {id: number}[]) => list.map(({id}) => id).sort((one, other) => one - other);
		expect(ids(heard.messages)).toEqual(ids(rows));
	});

	test('after close, calls are refused and nothing more is received', async () => {
		const [mailbox, tag] = await join();
		const heard = hear(mailbox);
		await heard.live();
		await mailbox.close();
		const events = heard.phases.length;
		await bench.insert(`[${tag}] unheard`);
		await expect(mailbox.post({content: `[${tag}] x`})).rejects.toMatchObject({code: 'offline'});
		await expect(mailbox.history({})).rejects.toMatchObject({code: 'offline'});
		expect(heard.contents).toEqual([]);
		expect(heard.phases).toHaveLength(events);
		await mailbox.close();
	});

	test('a subscription from a cursor of another database is notified, and then receives everything from the first message on', async () => {
		const [mailbox, tag] = await join();
		const message = await mailbox.post({content: `[${tag}] from the first on`});
		const {epoch} = (await mailbox.cursor()) ?? {};
		const heard = hear(mailbox, {epoch: '11111111-1111-4111-8111-111111111111', xid: '999999999', id: 999_999_999});
		await heard.until(() => heard.messages.some(({id}) => id === message.id));
		expect(heard.replaced).toMatchObject([{epoch, common: null}]);
		heard.stop();
	});

	test('a subscription from a cursor overlaps with the history read after it, and leaves no gap', async () => {
		const [mailbox, tag] = await join();
		const from = await mailbox.cursor();
		const {id} = await mailbox.post({content: `[${tag}] between`});
		const history = await mailbox.history({channel: tag});
		expect(history.map(message => message.id)).toContain(id);
		const heard = hear(mailbox, from);
		await heard.until(() => heard.messages.some(message => message.id === id));
		heard.stop();
	});
}
