import fc from 'fast-check';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {agent, engines, human, type MigratedDatabase, owner} from '../helpers/migrated.ts';

const tags = ['A', 'B', 'C'] as const;
const anyTag = fc.constantFrom(...tags);

/** What waits for a reader, by its definition, along all messages. */
const defined = `
	select m.id from messages as m
	left join agents as a on upper(a.tag) = $1
	left join receipts as r on upper(r.reader) = $1 and r.message_id = m.id
	where case when m.mentions = '{}'
			then a.tag is not null and not pg_visible_in_snapshot(m.xid, a.joined_snapshot) and upper(m.tag) <> $1 and not m.meta ? 'redaction'
			else $1 = any (select upper(t) from unnest(m.mentions) as t) end
		and r.state is distinct from 'acked'
		and not ($2 and coalesce(r.state = 'read' or r.attempts - r.returned >= 5 or r.lease_until > clock_timestamp(), false))
		and ($3 is false or m.author_kind = 'human')
	order by m.xid, m.id limit 1000`;

/** Messages that are not for A, B or C. */
const others = (many: number): string =>
	`insert into messages (content) select '[D] to another @E ' || i from generate_series(1, ${many}) as i`;

type Step =
	| {readonly write: string; readonly as: 'human' | 'agent' | 'owner'}
	| {readonly joins: string}
	| {readonly others: number}
	| {readonly does: 'takes' | 'delivers' | 'acks'; readonly reader: string; readonly places: readonly number[]};

const step: fc.Arbitrary<Step> = fc.oneof(
	{
		weight: 4,
		arbitrary: fc.record({
			write: fc
				.tuple(anyTag, fc.subarray([...tags], {maxLength: 2}))
				.map(([from, to]) => `[${from}] ${to.map(tag => `@${tag}`).join(' ')} x`),
			as: fc.constantFrom('human' as const, 'agent' as const, 'owner' as const),
		}),
	},
	{weight: 1, arbitrary: fc.record({joins: anyTag})},
	{weight: 1, arbitrary: fc.record({others: fc.constantFrom(30, 250, 600)})},
	{
		weight: 4,
		arbitrary: fc.record({
			does: fc.constantFrom('takes' as const, 'delivers' as const, 'acks' as const),
			reader: anyTag,
			places: fc.uniqueArray(fc.nat({max: 12}), {minLength: 1, maxLength: 4}),
		}),
	},
);

describe.each(engines)('unacked messages on $engine', ({open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
	});
	afterAll(() => database.close());

	const idsOf = (rows: ReadonlyArray<Record<string, unknown>>): number[] => rows.map(row => Number(row['id']));
	const waiting = async (reader: string, free = false, people = false): Promise<number[]> =>
		idsOf(await database.as(owner, 'select id from agentmux.waiting($1, 1000, $2, $3)', [reader, free, people]));

	async function play(next: Step): Promise<void> {
		if ('others' in next) await database.script(others(next.others));
		else if ('joins' in next) await database.as(agent(next.joins), 'select agent_touch()');
		else if ('write' in next) {
			const author = next.write.slice(1, 2);
			const caller = {human: human(author), agent: agent(author), owner}[next.as];
			await database.as(caller, 'insert into messages (content) values ($1)', [next.write]);
		} else {
			const waits = await waiting(next.reader);
			const ids = next.places.flatMap(place => waits[place] ?? []);
			const caller = agent(next.reader);
			if (next.does === 'takes') await database.as(caller, 'select inbox_take($1)', [next.places[0]! + 1]);
			else if (next.does === 'delivers') await database.as(caller, `select receipt_deliver($1, 'test')`, [ids]);
			else await database.as(caller, `select receipt_ack($1, 'test')`, [ids]);
		}
	}

	test('what waits is what the definition says, whatever was written, taken and acked before', {timeout: 600_000}, () =>
		fc.assert(
			fc.asyncProperty(fc.array(step, {minLength: 12, maxLength: 25}), async steps => {
				await database.clear();
				for (const next of steps) {
					await play(next);
					for (const reader of tags) {
						for (const [free, people] of [
							[false, false],
							[true, false],
							[true, true],
						] as const) {
							const expected = idsOf(await database.as(owner, defined, [reader, free, people]));
							expect(await waiting(reader, free, people)).toEqual(expected);
						}
					}
				}
			}),
			{numRuns: 6},
		),
	);

	test('more than a thousand that wait are all listed, a thousand in each call', async () => {
		await database.clear();
		await database.as(agent('A'), 'select agent_touch()');
		await database.script(
			`insert into messages (content) select '[B] ' || case when i % 2 = 0 then '@A ' else '' end || i from generate_series(1, 2500) as i`,
		);
		const all = Array.from({length: 2500}, (_, index) => index + 1);
		const listed: number[] = [];
		for (let call = 0; call < 4; call += 1) {
			await database.as(agent('A'), `select receipt_ack('{${call + 1}}', 'test')`);
			listed.push(Number((await database.as(owner, 'select count(*) from agentmux.unacked'))[0]?.['count']));
			const rows = await database.as(owner, `select id from agentmux.waiting('A', 10000)`);
			expect(idsOf(rows)).toEqual(all.slice(call + 1));
		}
		expect(listed).toEqual([1000, 1999, 2497, 2496]);
	});

	test('one old unacked message costs no more pages, however many newer ones are for others', async () => {
		await database.clear();
		await database.as(agent('A'), 'select agent_touch()');
		const pages = async (): Promise<number> => {
			await database.as(agent('A'), 'select inbox_take(5)');
			const rows = await database.as(agent('A'), 'explain (analyze, buffers, format json) select inbox_take(5)');
			const [{Plan: plan}] = rows[0]!['QUERY PLAN'] as [{Plan: Record<string, number>}];
			return plan['Shared Hit Blocks']! + plan['Shared Read Blocks']!;
		};
		await database.script(others(300));
		const before = await pages();
		await database.script(`insert into messages (content) values ('[B] @A old')`);
		await database.as(agent('A'), `select receipt_deliver('{301}', 'test')`);
		await database.script(others(6_000));
		expect(await pages()).toBeLessThan(before * 1.5 + 20);
	});
});
