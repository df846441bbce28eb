import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {mentionsIn} from '../../source/mailbox/message.ts';
import {agent, engines, type MigratedDatabase, owner} from '../helpers/migrated.ts';

const A = agent('A');

describe.each(engines)('one request on $engine', ({open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
	});
	afterAll(() => database.close());

	test('addresses at most 64, and is kept whole', async () => {
		const content = `[A] ${Array.from({length: 20_000}, (_, n) => `@B${n}`).join(' ')}`;
		const [row] = await database.as(
			A,
			`insert into messages (content) values ($1)
			returning content = $1 as whole, array_to_string(mentions, ' ') as mentions`,
			[content],
		);
		expect(row).toEqual({whole: true, mentions: Array.from({length: 64}, (_, n) => `B${n}`).join(' ')});
		const entries = await database.as(owner, 'select count(*)::int as count from channel_entries');
		expect(entries).toEqual([{count: 65}]);
	});

	test('addresses those among the first 4,096 @', async () => {
		const body = `${'@ '.repeat(4094)}@LAST_BUT_ONE @LAST @TOO_LATE`;
		const [row] = await database.as(owner, 'select agentmux.mentions($1) as mentions', [`[A] ${body}`]);
		expect(row).toEqual({mentions: ['LAST_BUT_ONE', 'LAST']});
		expect(mentionsIn(body)).toEqual(['LAST_BUT_ONE', 'LAST']);
	});

	test.each([
		['50,000 words that exclude', `p_query => repeat(' -a', 50000)`],
		['20,000 alternatives', `p_query => repeat('a or ', 20000)`],
		['10,000 words', `p_query => (select string_agg('w' || n, ' ') from generate_series(1, 10000) as n)`],
		['one long word', `p_words => array[repeat('w', 100000)]`],
		['too many words', `p_words => array_fill('-a'::text, array[65])`],
		['too many tags', `p_from => array_fill('-A'::text, array[40]), p_to => array_fill('-A'::text, array[40])`],
		['too many threads', `p_thread => array_fill(-1::bigint, array[100000])`],
	])('is refused with an error if it searches for %s', async (_, call) => {
		const asked = database.as(A, `select id from search_messages(${call})`);
		await expect(asked).rejects.toMatchObject({
			code: '54000',
			message: expect.stringMatching(/^a search can have at most/),
		});
	});

	test('searches for as much as anyone types', async () => {
		const call = `p_words => array_fill('-absent'::text, array[64])`;
		expect(await database.as(A, `select id from search_messages(${call})`)).toHaveLength(1);
	});
});
