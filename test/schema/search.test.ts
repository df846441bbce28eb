import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {agent, engines, human, type MigratedDatabase, owner} from '../helpers/migrated.ts';

const A = agent('A');

describe.each(engines)('search on $engine', ({open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
	});
	afterAll(() => database.close());

	const ids = async (call: string): Promise<unknown[]> =>
		(await database.as(A, `select id from search_messages(${call})`)).map(row => row['id']);

	test('finds a path, an address and a name with underscores by their parts', async () => {
		await database.clear();
		for (const content of [
			'[A] see source/gateway/rest.ts',
			'[B] mail someone@example.org',
			'[B] task_x_results is ready, foo-bar too',
		]) {
			await database.as(owner, 'insert into messages (content) values ($1)', [content]);
		}
		expect(await ids(`'gateway'`)).toEqual([1]);
		expect(await ids(`p_words => '{gateway rest ts}'`)).toEqual([1]);
		expect(await ids(`'someone'`)).toEqual([2]);
		expect(await ids(`'"task_x_results" foo-bar'`)).toEqual([3]);
		expect(await ids(`'-gateway'`)).toEqual([3, 2]);
		expect(await ids(`p_words => '{resul*,-example}'`)).toEqual([3]);
		expect(await ids(`p_words => '{resul}'`)).toEqual([]);
	});

	test('reads few words besides the index, however many messages are new', async () => {
		await database.clear();
		await database.as(
			owner,
			`insert into messages (content)
			select '[A] ' || (select string_agg('word' || (n * 37 + w) % 5000, ' ') from generate_series(1, 40) as w)
			from generate_series(1, 600) as n`,
		);
		const [aside] = await database.as(owner, `select gin_clean_pending_list('agentmux.message_words_search') as pages`);
		expect(Number(aside?.['pages'])).toBeLessThanOrEqual(9);
	});

	test('treats words that look like syntax as words', async () => {
		for (const words of ["{a' | 'b*}", '{!(a*}', '{"\\\\ & |"}', '{:*}', '{-}', '{*}']) {
			await expect(ids(`p_words => $$${words}$$`)).resolves.toBeDefined();
		}
		await expect(ids(`p_is => '{read}'`)).rejects.toMatchObject({code: '22023'});
		await expect(ids(`p_has => '{everything}'`)).rejects.toMatchObject({code: '22023'});
	});

	test(
		'among 100,000 messages reads little more than it returns, wherever an index allows it',
		{timeout: 240_000},
		async () => {
			await database.clear();
			// None of them answers another: without those triggers, and with the index made at once, it takes half as long.
			const [{index} = {}] = await database.as(
				owner,
				`select pg_get_indexdef('agentmux.message_words_search'::regclass) as index`,
			);
			await database.script(`drop index agentmux.message_words_search;
			alter table messages disable trigger user;
			alter table messages enable trigger messages_before_insert_mentions;
			alter table messages enable trigger messages_entries;
			alter table messages enable trigger messages_words;
			insert into messages (content, thread_id, created_at, author_tag)
			select format('[T%s] number %s of many %s', i % 10, i, case when i % 1000 = 5 then '@T3' when i = 77 then '@RARE needle #12' end),
				i, now() - (100001 - i) * interval '1 minute', current_user
			from generate_series(1, 100000) as i;
			alter table messages enable trigger user;
			${String(index)};
			analyze`);
			await database.as(human('T1'), `insert into messages (content, reply_to) values ('[T1] an answer', 77)`);
			const wrong: string[] = [];
			for (const [call, rows, most] of [
				[`p_words => '{needle}'`, 1, 1_100],
				[`p_words => '{num*}'`, 50, 1_100],
				[`p_words => '{number,-many}'`, 0, 101_100],
				[`p_words => '{needle*}', p_from => '{T7}'`, 1, 11_200],
				[`p_to => '{RARE}'`, 1, 20],
				[`p_tag => '{T3}'`, 50, 1_100],
				[`p_to => '{T3}', p_before_id => 50000`, 50, 21_000],
				[`p_from => '{-T1,-T2}'`, 50, 1_100],
				[`p_thread => '{77}'`, 2, 20],
				[`p_id => '{77}'`, 1, 20],
				[`p_is => '{mine}'`, 1, 101_100],
				[`p_is => '{stuck}'`, 0, 20],
				[`p_after => now() - interval '2 hours'`, 50, 1_100],
				[`p_before => now() - interval '99900 minutes'`, 50, 1_300],
				[`p_has => '{task}'`, 1, 101_100],
				[`'needle -draft or zebra'`, 1, 1_100],
				[`p_before_id => 51`, 50, 200],
			] as const) {
				await database.as(owner, 'select pg_stat_force_next_flush()');
				const [row] = await database.as(
					agent('T1'),
					`with called as materialized (select count(*) as rows from search_messages(${call}))
				select rows, (select sum(seq_tup_read + idx_tup_fetch)::int from pg_stat_xact_user_tables
					where relname in ('messages', 'channel_entries', 'receipts') and rows >= 0) as read from called`,
				);
				if (row!['rows'] !== rows || (row!['read'] as number) > most) wrong.push(`${call} ${JSON.stringify(row)}`);
			}
			expect(wrong).toEqual([]);
		},
	);
});
