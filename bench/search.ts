import {agent, engines, type MigratedDatabase} from '../test/helpers/migrated.ts';
import {median, ms, quantile, type Figure} from './measure.ts';

const rounds = 20;

/** What is searched for, and the arguments of search_messages; pages have 50 messages. */
const searches: ReadonlyArray<readonly [string, string]> = [
	['common word', `p_words => '{the}'`],
	['its prefix, as typed', `p_words => '{th*}'`],
	['a word that one message has', `p_words => '{needle}'`],
	['its prefix, as typed', `p_words => '{need*}'`],
	['a word that none has', `p_words => '{absentword}'`],
	['phrase of common words', `p_words => '{on main}'`],
	['phrase of common words, in one of 700', `p_words => '{the done main}'`],
	['phrase of common words that none has', `p_words => '{done build task review please}'`],
	['from:A to:B that none has', `p_from => '{T3}', p_to => '{T3}'`],
	['has:code', `p_has => '{code}'`],
	['has:task', `p_has => '{task}'`],
	['has:code has:task, which none has both', `p_has => '{code,task}'`],
	[
		'before: and a common word',
		`p_words => '{the*}', p_before => (select min(created_at) + (max(created_at) - min(created_at)) / 2 from messages)`,
	],
	['only a minus', `p_words => '{-the*}'`],
	['a word of a tenth of the history, long ago', `p_words => '{cluster}'`],
	['its prefix', `p_words => '{clus*}'`],
];

/** Milliseconds after which the first answer begins no further step (source/gateway/rest/search.ts). */
const firstPart = 4;

/**
 * Searches in a history of that many messages, on each engine: the first answer, which may be a part, and the whole page. Floor: a call
 * of a function that only checks its caller.
 */
export async function searchInHistory(messages: number): Promise<Figure[]> {
	const figures: Figure[] = [];
	for (const {engine, open} of engines) {
		const database = await open();
		try {
			await fill(database, messages);
			figures.push(...(await measure(`${engine}, ${messages.toLocaleString('en')} messages`, database)));
		} finally {
			await database.close();
		}
	}
	return figures;
}

/** The figures of a database that `fill` filled. */
async function measure(where: string, database: Pick<MigratedDatabase, 'as'>): Promise<Figure[]> {
	const reader = agent('T1');
	const time = async (sql: string): Promise<number> => {
		const begin = performance.now();
		await database.as(reader, sql);
		return performance.now() - begin;
	};
	const figures: Figure[] = [];
	for (const [what, args] of searches) {
		const part = `search_part(${args}, p_milliseconds => ${firstPart})`;
		const [floors, parts, pages]: [number[], number[], number[]] = [[], [], []];
		for (let round = -2; round < rounds; round += 1) {
			const floor = await time('select mux_guard()');
			const first = await time(`select ${part}`);
			const page = await time(`select * from search_messages(${args})`);
			if (round < 0) continue;
			floors.push(floor);
			parts.push(first);
			pages.push(page);
		}
		const [row] = await database.as(
			reader,
			`select json_array_length(part -> 'messages') as found, (select max(id) from messages) - (part ->> 'searched_to')::bigint as ids
			from ${part} as part`,
		);
		const reached =
			row!['ids'] === null
				? 'all of it'
				: `${String(row!['found'])} found in the newest ${Number(row!['ids']).toLocaleString('en')}`;
		const [floor, p95] = [median(floors), quantile(parts, 0.95)];
		figures.push({
			what: `search for ${what}, ${where}`,
			measured: `first answer: p50 ${ms(median(parts))}, p95 ${ms(p95)} = ${(p95 / floor).toFixed(1)} × floor (${reached}); whole page: p50 ${ms(median(pages))}, p95 ${ms(quantile(pages, 0.95))}`,
			floor: `an empty call: p50 ${ms(floor)}`,
			goal: 'first answer ≤ 10 × floor, ≤ 50 ms',
			met: p95 <= 10 * floor && p95 <= 50,
		});
	}
	return figures;
}

/** The number of different texts; each is used again with something else at its end. */
const texts = 10_000;
const batch = 10_000;

/**
 * Messages of 40 words, of which some are in most of them and most in very few. Their words are stored as the trigger would store them,
 * but made once for each text, and the index is made at the end.
 */
export async function fill(database: Pick<MigratedDatabase, 'script'>, messages: number): Promise<void> {
	await database.script(`
		create function bench_word(n int) returns text language sql immutable as $$
			select case when n <= 10 then split_part('the a is on main please review task build done', ' ', n)
				else chr(97 + n % 26) || chr(97 + n / 26 % 26) || chr(97 + n / 676 % 26) || chr(97 + n * 7 % 26) || case when n > 17576 then 'q' else '' end
			end $$;
		create table bench_texts as select n, content, agentmux.words(content) as words from (
			select n, format('[T%s] ', n % 20)
				|| (select string_agg(bench_word(floor(power(40000, random()))::int), ' ') from generate_series(1, 40 + 0 * n)) as content
			from generate_series(0, ${texts - 1}) as n
		) as t;
		create index on bench_texts (n);
		drop index agentmux.message_words_search;
		alter table messages disable trigger user`);
	for (let first = 1; first <= messages; first += batch) {
		await database.script(`
			with made as materialized (
				select i, t.content, t.words, now() - (${messages} + 1 - i) * interval '30 seconds' as at, concat(
					case when i % 3 = 0 then ' @T' || (i * 7 + 1) % 20 end,
					case when i % 1000 = 7 then ' the done main' end,
					case when i % 20 = 3 then ' see \`code\`' end,
					case when i % 10 = 4 then ' #' || i end,
					case when i = ${Math.floor(messages / 13)} then ' needle' end,
					case when i between ${messages} * 0.3 and ${messages} * 0.4 then ' cluster' end) as suffix
				from generate_series(${first}, ${Math.min(messages, first + batch - 1)}) as i join bench_texts as t on t.n = i % ${texts}
			), inserted as (
				insert into messages (content, thread_id, created_at, author_tag, verified)
				select content || suffix, i, at, 'T' || i % 20, i % 100 <> 0 from made order by i
				returning *
			)
			insert into agentmux.message_words (message_id, created_at, words)
			select i.id, i.created_at, m.words || agentmux.words(m.suffix)
				|| agentmux.search_words(i.id, '', i.tag, i.body, i.mentions, i.author_tag, i.verified)
			from inserted as i join made as m on m.i = i.id`);
	}
	await database.script(`
		insert into agentmux.message_hours select distinct message_id >> 11, date_trunc('hour', created_at, 'UTC') from agentmux.message_words;
		create index message_words_search on agentmux.message_words using gin (words) with (gin_pending_list_limit = 64);
		alter table messages enable trigger user;
		analyze`);
}
