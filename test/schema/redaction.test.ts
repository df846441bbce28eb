import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {
	agent,
	anon,
	type Caller,
	engines,
	human,
	type MigratedDatabase,
	owner,
	type Row,
	service,
	stranger,
} from '../helpers/migrated.ts';

const A = agent('A');
const B = agent('B');

describe.each(engines)('redaction on $engine', ({open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
	});
	afterAll(() => database.close());
	beforeEach(() => database.clear());

	const write = async (
		caller: Caller,
		content: string,
		more: {meta?: object; reply_to?: number} = {},
	): Promise<number> => {
		const [row] = await database.as(
			caller,
			'insert into messages (content, meta, reply_to) values ($1, $2, $3) returning id',
			[content, JSON.stringify(more.meta ?? {}), more.reply_to ?? null],
		);
		return row!['id'] as number;
	};
	const redact = async (
		caller: Caller,
		id: number,
		reason: string | null = null,
		signature: object | null = null,
	): Promise<Row> =>
		(
			await database.as(caller, 'select * from redact_message($1, $2, $3)', [
				id,
				reason,
				signature && JSON.stringify(signature),
			])
		)[0]!;
	const read = async (id: number): Promise<Row> =>
		(await database.as(B, 'select * from messages where id = $1', [id]))[0]!;

	test('removes text and meta, keeps the author and time, and records who did it and why', async () => {
		const root = await write(B, '[B] question for @A');
		const id = await write(A, '[A] the password is hunter2, @B', {meta: {secret: 'hunter2'}, reply_to: root});
		const before = await read(id);
		const signature = {v: 1, sig: 'x'};
		const after = await redact(human(), id, 'a password', signature);
		expect(after).toEqual({
			...before,
			content: '[A] (redacted)',
			body: '(redacted)',
			mentions: [],
			meta: {
				redaction: {
					by: 'HUMAN',
					kind: 'human',
					verified: true,
					reason: 'a password',
					signature,
					at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
				},
			},
		});
		expect(await read(id)).toEqual(after);
		expect(await database.as(B, 'select * from redactions')).toEqual([
			expect.objectContaining({
				message_id: id,
				by_tag: 'HUMAN',
				by_kind: 'human',
				verified: true,
				reason: 'a password',
				signature,
			}),
		]);
		expect(await database.as(B, `select id from search_messages('hunter2')`)).toEqual([]);
		expect(await database.as(B, `select id from search_messages('redacted')`)).toEqual([{id}]);
		// No live row contains any of it.
		const [found] = await database.as(
			owner,
			`select query_to_xml('select * from messages', true, false, '')::text || query_to_xml('select * from channel_entries', true, false, '')::text
				|| query_to_xml('select * from events', true, false, '')::text as text`,
		);
		expect(found!['text']).not.toContain('hunter2');
	});

	test('is allowed for its author, humans, the service role and the owner', async () => {
		const ids: number[] = [];
		for (let n = 0; n < 6; n++) ids.push(await write(A, `[A] number ${n}`));
		const [one, two, three, four, five, six] = ids as [number, number, number, number, number, number];
		await expect(redact(B, one)).rejects.toMatchObject({
			code: '42501',
			message: `you are B and may not redact message ${one}: only A and humans may`,
		});
		await expect(redact(stranger, one)).rejects.toMatchObject({code: '42501'});
		await expect(redact(anon, one)).rejects.toMatchObject({code: '42501'});
		expect(await redact(agent('a'), two)).toMatchObject({content: '[A] (redacted)'});
		expect(await redact(human(), three)).toMatchObject({content: '[A] (redacted)'});
		expect(await redact(service(), four)).toMatchObject({content: '[A] (redacted)'});
		expect(await redact(service('S'), five)).toMatchObject({content: '[A] (redacted)'});
		expect(await redact(owner, six)).toMatchObject({content: '[A] (redacted)'});
		expect(await database.as(B, 'select message_id, by_tag, verified from redactions order by message_id')).toEqual([
			{message_id: two, by_tag: 'a', verified: true},
			{message_id: three, by_tag: 'HUMAN', verified: true},
			{message_id: four, by_tag: null, verified: false},
			{message_id: five, by_tag: 'S', verified: false},
			{message_id: six, by_tag: null, verified: false},
		]);
		// Nobody is known to have written it.
		const plain = await write(owner, '[A] by plain SQL');
		await expect(redact(A, plain)).rejects.toMatchObject({
			message: `you are A and may not redact message ${plain}: only humans may`,
		});
		// The author is who wrote it, and not who it is written as.
		const lent = await write(human(), '[A] by the human');
		await expect(redact(A, lent)).rejects.toMatchObject({
			message: `you are A and may not redact message ${lent}: only HUMAN and humans may`,
		});
	});

	test('happens once; an unknown message is not found; an invalid reason is refused', async () => {
		const id = await write(owner, 'no tag');
		await expect(redact(human(), 999)).rejects.toMatchObject({code: '23503', message: 'there is no message 999'});
		await expect(redact(human(), id, 'x'.repeat(1001))).rejects.toMatchObject({
			constraint: 'redactions_reason_at_most_1000_characters',
		});
		await expect(redact(human(), id, null, {sig: 'x'.repeat(5000)})).rejects.toMatchObject({
			constraint: 'redactions_signature_is_an_object',
		});
		expect(await read(id)).toMatchObject({content: 'no tag'});
		const first = await redact(human(), id, 'first');
		expect(first).toMatchObject({content: '(redacted)', tag: 'UNTAGGED'});
		expect(await redact(human('OTHER'), id, 'second')).toEqual(first);
	});

	test('removes the message from all inboxes', async () => {
		await database.as(A, 'select agent_touch()');
		await database.as(agent('C'), 'select agent_touch()');
		const id = await write(human(), '[HUMAN] for @A alone');
		const other = await write(human(), '[HUMAN] for everybody');
		await redact(human(), id);
		await redact(human(), other);
		for (const tag of ['A', 'C']) {
			expect(await database.as(agent(tag), 'select id from inbox($1)', [tag])).toEqual([]);
			expect(await database.as(agent(tag), 'select id from inbox_take()')).toEqual([]);
		}
		const last = await write(human(), '[HUMAN] and on it goes');
		expect(await database.as(A, `select id from inbox('A')`)).toEqual([{id: last}]);
	});

	test('cannot be forged, and nobody can write its records', async () => {
		const id = await write(A, '[A] (redacted)', {meta: {redaction: {by: 'HUMAN'}, other: 1}});
		expect(await read(id)).toMatchObject({meta: {other: 1}});
		await write(A, '[A] x');
		for (const caller of [A, human(), service(), anon, stranger]) {
			for (const sql of [
				`insert into redactions (message_id, verified) values (2, true)`,
				'delete from redactions',
				'update redactions set by_tag = null',
				'select * from agentmux.redacted_digests',
				'select * from agentmux.seals',
				'insert into agentmux.amending values (pg_current_xact_id(), 2)',
				'select agentmux.seal(1)',
			]) {
				await expect(database.as(caller, sql)).rejects.toMatchObject({code: '42501'});
			}
		}
	});
});
