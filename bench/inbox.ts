import {agent, engines, type MigratedDatabase, owner} from '../test/helpers/migrated.ts';
import {median, ms, quantile, type Figure} from './measure.ts';

const goal = 1.5;
const rounds = 60;
/** Messages for others that came after the old one. */
const newer = Number(process.env['AGENTMUX_BENCH_MESSAGES'] ?? 16_000);

/** An agent takes its mail, with one old message that it never acked; floor: an agent that joined just now, by turns. */
export async function oldUnackedMessage(): Promise<Figure[]> {
	const figures: Figure[] = [];
	for (const {engine, open} of engines) {
		const database = await open();
		try {
			figures.push(...(await measure(engine, database)));
		} finally {
			await database.close();
		}
	}
	return figures;
}

async function measure(engine: string, database: MigratedDatabase): Promise<Figure[]> {
	await database.as(agent('OLD'), 'select agent_touch()');
	await database.as(agent('WRITER'), `insert into messages (content) values ('[WRITER] @OLD please')`);
	await database.as(agent('OLD'), `select receipt_deliver(array(select id from inbox_take()), 'bench')`);
	await fill(database, newer);
	await database.as(agent('NONE'), 'select agent_touch()');
	return [
		await byTurns('inbox_take', engine, tag => database.as(agent(tag), 'select id from inbox_take(20)')),
		await byTurns('inbox', engine, tag => database.as(agent(tag), 'select id from inbox($1, 20)', [tag])),
	];
}

/** Without the triggers that derive each row's thread and author: a million rows in minutes. */
async function fill(database: MigratedDatabase, rows: number): Promise<void> {
	await database.script('alter table messages disable trigger messages_before_insert_derive');
	for (let left = rows; left > 0; left -= 10_000) {
		await database.as(
			owner,
			`insert into messages (content, thread_id) select '[WRITER] @OTHER number ' || i, 1 from generate_series(1, $1::int) as i`,
			[Math.min(left, 10_000)],
		);
	}
	await database.script('alter table messages enable trigger messages_before_insert_derive; analyze messages');
}

async function byTurns(what: string, engine: string, ask: (tag: string) => Promise<unknown>): Promise<Figure> {
	const old: number[] = [];
	const none: number[] = [];
	for (let round = 0; round < rounds; round += 1) {
		for (const [tag, times] of [
			['OLD', old],
			['NONE', none],
		] as const) {
			const begin = performance.now();
			await ask(tag);
			times.push(performance.now() - begin);
		}
	}
	const ratio = median(old) / median(none);
	return {
		what: `${what} with one old unacked message and ${newer.toLocaleString('en')} newer ones for others, ${engine}`,
		measured: `p50 ${ms(median(old))}, p95 ${ms(quantile(old, 0.95))} = ${ratio.toFixed(2)} × floor; the first ${ms(old[0] ?? Number.NaN)}`,
		floor: `joined just now: p50 ${ms(median(none))}, p95 ${ms(quantile(none, 0.95))}`,
		goal: `p50 ≤ ${goal} × floor`,
		met: ratio <= goal,
	};
}
