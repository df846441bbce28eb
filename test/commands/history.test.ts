import {existsSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import type {Message} from '../../source/mailbox/message.ts';
import {Home} from '../helpers/program.ts';

let home: Home;
const begin = async (): Promise<void> => {
	home = await Home.make();
};
const end = (): Promise<void> => home.dispose();

const sql = (query: string): Promise<string> => home.output(['sql', query]);
/** What an owner does who wants to change history, past the triggers. */
const tamper = async (query: string): Promise<void> => {
	await sql(`alter table messages disable trigger user; ${query}; alter table messages enable trigger user`);
};
const send = async (text: string, ...more: string[]): Promise<number> =>
	(await home.json<Message>(['send', text, ...more])).id;

describe('redact', () => {
	beforeAll(begin);
	afterAll(end);

	test('takes the text out everywhere and says who did it and why', async () => {
		const id = await send('the password is hunter2', '--to', 'CLAUDE_1');
		const text = await home.output(['redact', `#${id}`, '--reason', 'a password']);
		expect(text).toMatch(new RegExp(`^#${id} .* HUMAN .*\\(redacted by HUMAN, signed: a password\\)\n$`));
		expect(await home.json(['redact', String(id)])).toMatchObject({id, content: '[HUMAN] (redacted)', mentions: []});
		expect(await home.json(['search', 'hunter2'])).toEqual([]);
		for (const command of [['tail'], ['thread', String(id)], ['inbox', '--as', 'CLAUDE_1', '--all']]) {
			const {stdout} = await home.run(command);
			expect(stdout).not.toContain('hunter2');
		}
		expect(await home.output(['tail'])).toContain('(redacted by HUMAN, signed: a password)');
	});

	test('is shown to followers, once, without the redacted text', async () => {
		const before = await send('gone before');
		await home.output(['redact', String(before)]);
		const id = await send('gone later');
		const tail = home.start(['tail', '--follow', '--json', '-n', '1']);
		const lines = createInterface({input: tail.stdout})[Symbol.asyncIterator]();
		const next = async (): Promise<Message> => JSON.parse((await lines.next()).value as string) as Message;
		try {
			expect(await next()).toMatchObject({id, body: 'gone later'});
			// It is live once it tells what comes.
			const live = await send('live');
			expect(await next()).toMatchObject({id: live});
			await home.output(['redact', String(id)]);
			expect(await next()).toMatchObject({id, content: '[HUMAN] (redacted)', meta: {redaction: {by: 'HUMAN'}}});
			await home.output(['redact', String(id)]);
			const last = await send('last');
			expect(await next()).toMatchObject({id: last});
		} finally {
			tail.kill();
		}
	});

	test("is refused to an agent for others' messages, and says why", async () => {
		const id = await send('from the human');
		const own = Number(await home.output(['send', 'from the agent'], {env: {AGENTMUX_TAG: 'CLAUDE_1'}}));
		const refused = await home.run(['redact', String(id), '--as', 'CLAUDE_1']);
		expect(refused.code).toBe(1);
		expect(refused.stderr).toBe(
			`agentmux: You are CLAUDE_1 and may not redact message ${id}: only HUMAN and humans may.\n`,
		);
		expect(await home.json(['redact', String(own), '--as', 'CLAUDE_1'])).toMatchObject({body: '(redacted)'});
		expect((await home.run(['redact', '999999'])).stderr).toBe(
			'agentmux: There is no message #999999. `agentmux tail` lists messages.\n',
		);
		for (const wrong of [[], ['1', '2'], ['x']]) expect((await home.run(['redact', ...wrong])).code).toBe(2);
	});
});

// Each starts hubs, and runs the program up to a dozen times.
describe('verify', {timeout: 180_000}, () => {
	beforeEach(begin);
	afterEach(end);

	interface Verified {
		readonly ok: boolean;
		readonly messages: number;
		readonly since: string;
		readonly head: {readonly seq: number; readonly hash: string};
		readonly fault: {readonly fault: string; readonly message_id: number} | null;
	}
	const failing = async (): Promise<string> => {
		const {code, stderr, stdout} = await home.run(['verify']);
		expect([code, stdout]).toEqual([1, '']);
		return stderr;
	};

	test('says how much it checked, and finds what somebody changed with the rights of the owner', async () => {
		expect(await home.output(['verify'])).toBe('Nothing has been written yet.\n');
		const ids: number[] = [];
		for (const text of ['one', 'two', 'three']) ids.push(await send(text));
		const [one, two, three] = ids as [number, number, number];
		await home.output(['redact', String(two), '--reason', 'a secret']);
		const good = await home.json<Verified>(['verify']);
		expect(good).toMatchObject({ok: true, messages: 3, fault: null});
		expect(Date.parse(good.since)).not.toBeNaN();
		expect(await home.output(['verify'])).toMatch(
			new RegExp(
				`^3 messages since [-0-9: ]+, \\d seals?: nothing was changed\\. Head ${good.head.hash.slice(0, 12)}\\.\n$`,
			),
		);
		const refused = await home.run(['sql', `update messages set content = '[HUMAN] forged' where id = ${one}`]);
		expect(refused.stderr).toContain(`messages are append-only: message ${one} cannot be changed`);

		await tamper(`update messages set content = '[HUMAN] forged' where id = ${one}`);
		expect(await failing()).toContain(`History was changed: message #${one} was changed after it was sealed (seal `);
		const bad = await home.run(['verify', '--json']);
		expect(bad.code).toBe(1);
		expect(JSON.parse(bad.stdout)).toMatchObject({ok: false, fault: {fault: 'changed', message_id: one}});
		await tamper(`update messages set content = '[HUMAN] one' where id = ${one}`);
		await home.output(['verify']);
		await tamper(`delete from messages where id = ${three}`);
		expect(await failing()).toContain(`message #${three} was deleted after it was sealed`);
		expect((await home.run(['verify', 'x'])).code).toBe(2);
	});

	test('finds a chain that was rebuilt or cut, by the head that the hub stored outside of the database', async () => {
		for (const text of ['one', 'two', 'three']) await send(text);
		await home.output(['hub', 'stop']);
		const file = join(home.path, 'data', 'history.json');
		expect(statSync(file).mode & 0o777).toBe(0o600);
		const kept = readFileSync(file, 'utf8');
		expect(JSON.parse(kept)).toMatchObject({heads: [{place: 'hub embedded', seq: expect.any(Number) as number}]});

		await tamper(`update messages set content = '[HUMAN] forged' where id = 2; truncate agentmux.seals`);
		// The new chain is shorter if the hub had sealed the messages one by one.
		expect(await failing()).toMatch(
			/History was (rebuilt: when this machine saw seal \d on .*, it was a different one|cut: this machine saw seal \d on .*, but now it ends at seal \d)[.;]/,
		);
		// Nor does the hub follow it.
		await send('four');
		await home.output(['hub', 'stop']);
		expect(readFileSync(file, 'utf8')).toBe(kept);
		expect(await home.output(['hub', 'logs'])).toContain('The history of this mailbox was changed');

		await tamper('delete from messages; truncate agentmux.seals');
		expect(await failing()).toMatch(/History was cut: this machine saw seal \d on .*, but now nothing is sealed\./);
	});

	test('reports a restored backup as another history, once, and not as changed', async () => {
		await send('one');
		const backup = join(home.path, 'backup');
		await home.output(['hub', 'backup', backup]);
		expect(existsSync(backup)).toBe(true);
		await send('two');
		await home.output(['verify']);
		await home.output(['hub', 'restore', backup]);
		await send('three');
		const first = await home.run(['verify']);
		expect(first.code).toBe(0);
		expect(first.stdout).toContain('2 messages since');
		expect(first.stderr).toContain('This is not the history that this machine saw last');
		const second = await home.run(['verify']);
		expect([second.code, second.stderr]).toEqual([0, '']);
		await tamper(`update messages set content = '[HUMAN] forged' where id = 1`);
		expect(await failing()).toContain('History was changed: message #1 ');
	});

	test('works with a service key at an address, as on a hosted project', async () => {
		await send('one');
		const {API_URL, SERVICE_ROLE_KEY} = Object.fromEntries(
			(await home.output(['hub', 'status', '-o', 'env']))
				.trim()
				.split('\n')
				.map(line => line.replaceAll('"', '').split(/=(.*)/s).slice(0, 2) as [string, string]),
		);
		const env = {SUPABASE_URL: API_URL, SUPABASE_SECRET_KEY: SERVICE_ROLE_KEY};
		expect(await home.json<Verified>(['verify'], {env})).toMatchObject({ok: true, messages: 1});
		await tamper('delete from messages');
		const {code, stderr} = await home.run(['verify'], {env});
		expect([code, stderr]).toEqual([1, expect.stringContaining('message #1 was deleted')]);
	});
});
