import {readFileSync} from 'node:fs';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {
	agent,
	type Caller,
	engines,
	type MigratedDatabase,
	migrationsFolder,
	owner,
	service,
} from '../helpers/migrated.ts';

/** Numbers from 0 to 1, the same in each run. */
function randomness(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
		return state / 2 ** 31;
	};
}

const random = randomness(7);
const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
const chance = (share: number): boolean => random() < share;

const tags = ['A', 'B', 'C_1', 'd-2', 'HUMAN'];
const frequent = ['the', 'on', 'main', 'build'];
const words = [...frequent, 'mainly', 'rest.ts', 'foo_bar', 'Größe', '数据', '3.14', 'naïve', 'thé', 'x'];

function content(index: number): string {
	const body = Array.from({length: 1 + Math.floor(random() * 12)}, () => (chance(0.6) ? pick(frequent) : pick(words)));
	if (chance(0.25)) body.splice(Math.floor(random() * body.length), 0, `@${pick(tags)}`);
	if (chance(0.05)) body.push('`code`', pick(['#12', 'a#12', '&#12']));
	if (chance(0.03)) body.push(pick(['https://example.org', 'HTTP://x', 'https://', '#', '`']));
	if (index === 40) body.push('needle');
	if (index % 300 === 7) body.push('rare');
	// More in one part of the history than the search takes from the index at once.
	if (index >= 600 && index < 1900) body.push('cluster', ...(index % 2 === 0 ? ['half'] : []));
	return `${chance(0.05) ? '' : `[${pick(tags)}] `}${body.join(pick([' ', ', ', '-']))}`;
}

interface Call {
	/** The arguments of a search but for the next two. */
	readonly terms: string;
	readonly limit: number;
	readonly before: number | null;
}

interface Part {
	readonly found: readonly number[];
	readonly to: number | null;
	readonly timed: boolean;
}

function call(moments: readonly string[], ids: readonly number[]): Call {
	const minus = (share: number): string => (chance(share) ? '-' : '');
	const some = (share: number, item: () => string): string =>
		`'{${Array.from({length: chance(share) ? (chance(0.3) ? 2 : 1) : 0}, () => `"${item()}"`).join(',')}}'`;
	const word = (): string =>
		minus(0.25) +
		pick([
			'the',
			'on main',
			'main*',
			'm*',
			'build the',
			'needle',
			'nee*',
			'rare',
			'cluster*',
			'half',
			'rest ts',
			'foo',
			'absent',
			'größe*',
			'thé',
			'*',
			'数据',
			'x',
		]);
	const tag = (): string => minus(0.3) + pick([...tags, 'a', 'human', 'nobody', "no'tag"]).replace("'", "''");
	const parts = [
		`p_words => ${some(0.7, word)}`,
		`p_from => ${some(0.25, tag)}`,
		`p_to => ${some(0.25, tag)}`,
		`p_tag => ${some(0.1, tag)}`,
		`p_has => ${some(0.15, () => minus(0.3) + pick(['code', 'task', 'link']))}`,
		`p_is => ${some(0.15, () => minus(0.3) + pick(['mine', 'unverified', 'stuck']))}`,
		`p_thread => ${some(0.06, () => minus(0.5) + String(pick(ids)))}`,
		`p_id => ${some(0.04, () => minus(0.5) + String(pick(ids)))}`,
	];
	if (chance(0.15))
		parts.push(
			`p_query => '${pick(['on main', '"on main" or rare', '-the', 'rest.ts', 'needle or x', '-absent cluster'])}'`,
		);
	if (chance(0.2)) parts.push(`p_before => '${pick(moments)}'`);
	if (chance(0.2)) parts.push(`p_after => '${pick(moments)}'`);
	return {terms: parts.join(', '), limit: pick([1, 3, 50, 1000]), before: chance(0.2) ? pick(ids) : null};
}

describe.each(engines)('search on $engine', ({open}) => {
	let database: MigratedDatabase;
	let moments: string[];
	let ids: number[];
	beforeAll(async () => {
		database = await open();
		const former = readFileSync(new URL('20261202001400_search.sql', migrationsFolder), 'utf8');
		const begin = former.indexOf('create or replace function public.search_messages');
		const end = former.indexOf('end $$;', begin) + 'end $$;'.length;
		await database.script(
			`${former.slice(begin, end).replace('public.search_messages', 'public.search_every_message')};
			alter table messages disable trigger messages_before_insert_derive;
			grant usage on schema agentmux to authenticated, service_role`,
		);
		// Ids of many blocks of 2^17, some with much and some with nothing, and times that do not always follow them.
		let id = 0;
		const rows: object[] = [];
		for (let index = 0; index < 2500; index += 1) {
			id +=
				index === 1200 || index === 2200 ? 140_000 : index < 500 || index > 2300 ? 1 + Math.floor(random() * 900) : 1;
			const at = index + (chance(0.05) ? -Math.floor(random() * 700) : 0);
			rows.push({
				id,
				content: content(index),
				thread: chance(0.1) ? 1 : id,
				at: new Date(Date.UTC(2026, 0, 1, 0, at)).toISOString(),
				author: chance(0.6) ? 'its tag' : chance(0.5) ? 'HUMAN' : null,
			});
		}
		await database.as(
			owner,
			`insert into messages (id, content, thread_id, created_at, author_tag, verified)
			select id, content, thread, at, case author when 'its tag' then agentmux.tag(content) else author end, author is not null
			from jsonb_to_recordset($1::jsonb) as r (id bigint, content text, thread bigint, at timestamptz, author text)`,
			[JSON.stringify(rows)],
		);
		await database.script(`alter table messages enable trigger messages_before_insert_derive;
			select setval(pg_get_serial_sequence('messages', 'id'), (select max(id) from messages));
			insert into receipts (message_id, reader, state, attempts)
			select id, 'A', 'delivered', 5 from messages where mod(id, 97) = 0`);
		const sampled = await database.as(owner, 'select id, created_at::text as at from messages where mod(id, 31) = 0');
		moments = sampled.map(row => String(row['at']));
		ids = sampled.map(row => Number(row['id']));
	}, 300_000);
	afterAll(() => database.close());

	/** The parts of a search, each of which is one step. */
	const inParts = async (caller: Caller, {terms, limit, before}: Call): Promise<Part[]> => {
		const parts: Part[] = [];
		for (let [left, to]: [number, number | null] = [limit, before]; left > 0;) {
			const [row] = await database.as(
				caller,
				`select array(select (m ->> 'id')::bigint from json_array_elements(part -> 'messages') as m) as found,
					(part ->> 'searched_to')::bigint as to, (part ->> 'searched_to_at')::timestamptz is not null as timed
				from search_part(${terms}, p_limit => ${left}, p_before_id => ${to}, p_milliseconds => 0) as part`,
			);
			const [found, reached] = [(row!['found'] as unknown[]).map(Number), row!['to']];
			to = reached === null ? null : Number(reached);
			parts.push({found, to, timed: row!['timed'] === true});
			left -= found.length;
			if (to === null) break;
		}
		return parts;
	};

	/** The searches that find something else than those that look at every message. A third of all must find something. */
	const differences = async (count: number): Promise<string[]> => {
		const wrong: string[] = [];
		let [finding, most] = [0, 0];
		for (let round = 0; round < count; round += 1) {
			const asked = call(moments, ids);
			const args = `${asked.terms}, p_limit => ${asked.limit}, p_before_id => ${asked.before}`;
			const caller = pick([agent('A'), agent('d-2'), service('HUMAN'), service()]);
			const [row] = await database.as(
				caller,
				`select array(select id from search_messages(${args})) as found, array(select id from search_every_message(${args})) as all`,
			);
			if ((row!['all'] as unknown[]).length > 0) finding += 1;
			if (JSON.stringify(row!['found']) !== JSON.stringify(row!['all']))
				wrong.push(`${JSON.stringify(caller)} ${args}`);
			if (round % 3 > 0) continue;
			const parts = await inParts(caller, asked);
			if (JSON.stringify(parts.flatMap(({found}) => found)) !== JSON.stringify((row!['all'] as unknown[]).map(Number)))
				wrong.push(`in parts: ${JSON.stringify(caller)} ${args}`);
			// Each part says truly how far it came, and is further than the one before.
			const [rising, early] = [
				parts.filter(({to}, index) => to !== null && index > 0 && to >= parts[index - 1]!.to!),
				parts.filter(({found, to}) => to !== null && found.some(id => id < to)),
			];
			const untimed = parts.filter(({to, timed}) => timed !== (to !== null));
			if (rising.length + early.length + untimed.length > 0)
				wrong.push(`order of parts: ${args} ${JSON.stringify(parts)}`);
			most = Math.max(most, parts.length);
		}
		expect(most).toBeGreaterThan(3);
		expect(finding).toBeGreaterThan(count / 3);
		return wrong;
	};

	test('finds what looking at every message finds', {timeout: 300_000}, async () => {
		expect(await differences(250)).toEqual([]);
	});

	test('finds the same while the words of old messages are being stored', {timeout: 300_000}, async () => {
		await database.script(`delete from agentmux.message_words where message_id <= (select id from messages order by id offset 1500 limit 1);
			delete from agentmux.message_hours;
			insert into agentmux.message_hours select distinct message_id >> 11, date_trunc('hour', created_at, 'UTC') from agentmux.message_words;
			insert into agentmux.words_missing select id + 1 from messages order by id offset 1500 limit 1;
			create index messages_search on messages using gin (agentmux.words(content)) with (gin_pending_list_limit = 64)`);
		expect(await differences(60)).toEqual([]);
		const step = async (): Promise<unknown> =>
			(await database.as(owner, 'select agentmux.store_words(400) as more'))[0]?.['more'];
		expect([await step(), await step()]).toEqual([true, true]);
		expect(await differences(60)).toEqual([]);
		expect([await step(), await step(), await step()]).toEqual([true, false, false]);
		expect(await differences(60)).toEqual([]);
		const [left] = await database.as(
			owner,
			`select to_regclass('public.messages_search') as index, count(*)::int as without
			from messages as m where not exists (select from agentmux.message_words as w where w.message_id = m.id)`,
		);
		expect(left).toEqual({index: null, without: 0});
	});

	test('forgets what was redacted, and finds what takes its place', async () => {
		const [posted] = await database.as(
			agent('A'),
			`insert into messages (content) values ('[A] secretword for @B') returning id`,
		);
		const find = async (args: string): Promise<unknown> =>
			(await database.as(agent('A'), `select id from search_messages(${args})`)).map(row => row['id']);
		expect(await find(`p_words => '{secretw*}', p_to => '{B}'`)).toEqual([posted!['id']]);
		await database.as(agent('A'), `select redact_message($1)`, [posted!['id']]);
		expect(await find(`p_words => '{secretw*}'`)).toEqual([]);
		expect(await find(`p_words => '{redacted}', p_from => '{A}'`)).toEqual([posted!['id']]);
		expect(await find(`p_words => '{redacted}', p_to => '{B}'`)).toEqual([]);
	});
});
