import {engines, owner, type MigratedDatabase} from '../test/helpers/migrated.ts';
import {agentmux, insertInto, median, type Figure, type Hub} from './measure.ts';

/** What a writer pays for a watch: single INSERTs into a watched and an unwatched table by turns, on each engine. */
export async function watchedInserts(): Promise<Figure[]> {
	const figures: Figure[] = [];
	for (const {engine, open} of engines) {
		const database = await open();
		try {
			figures.push(await measure(engine, database));
		} finally {
			await database.close();
		}
	}
	return figures;
}

/** The same over REST to a hub, which is what a program pays that writes to the table: each INSERT is a durable transaction. */
export async function watchedInsertsOverRest(hub: Hub): Promise<Figure> {
	for (const sql of [
		'create table watched (id int, note text)',
		'create table unwatched (id int, note text)',
		'grant select, insert on watched, unwatched to authenticated, service_role',
	])
		agentmux(hub.env, 'sql', sql);
	agentmux(hub.env, 'watch', 'watched', '--to', 'READER');
	return byTurns('INSERT over REST into a watched table', 400, async table => {
		const begin = performance.now();
		await insertInto(hub, table, {id: 1, note: 'a note'});
		return performance.now() - begin;
	});
}

async function measure(engine: string, database: MigratedDatabase): Promise<Figure> {
	await database.script('create table watched (id int, note text); create table unwatched (id int, note text)');
	await database.script('grant select on watched to authenticated');
	await database.as(owner, `select watch_table('watched', 'READER')`);
	const insert = async (table: string): Promise<number> => {
		const begin = performance.now();
		await database.script(`insert into ${table} values (1, 'a note')`);
		return performance.now() - begin;
	};
	return byTurns(`INSERT into a watched table, ${engine}`, 1500, insert);
}

/** `insert` resolves with the milliseconds that it took. */
async function byTurns(what: string, rounds: number, insert: (table: string) => Promise<number>): Promise<Figure> {
	const [watched, unwatched]: [number[], number[]] = [[], []];
	for (let round = -rounds / 8; round < rounds; round += 1) {
		const [one, other] = [await insert('unwatched'), await insert('watched')];
		if (round < 0) continue;
		unwatched.push(one);
		watched.push(other);
	}
	const ratio = median(watched) / median(unwatched);
	return {
		what,
		measured: `p50 ${median(watched).toFixed(2)} ms = ${ratio.toFixed(2)} × floor`,
		floor: `the same, not watched: p50 ${median(unwatched).toFixed(2)} ms`,
		goal: '≤ 2 × floor',
		met: ratio <= 2,
	};
}
