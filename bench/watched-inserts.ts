import {engines, owner, type MigratedDatabase} from '../test/helpers/migrated.ts';
import {median, type Figure} from './measure.ts';

const warmUp = 200;
const rounds = 1500;

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

async function measure(engine: string, database: MigratedDatabase): Promise<Figure> {
	await database.script('create table watched (id int, note text); create table unwatched (id int, note text)');
	await database.script('grant select on watched to authenticated');
	await database.as(owner, `select watch_table('watched', 'READER')`);
	const insert = async (table: string): Promise<number> => {
		const begin = performance.now();
		await database.script(`insert into ${table} values (1, 'a note')`);
		return performance.now() - begin;
	};
	const [watched, unwatched]: [number[], number[]] = [[], []];
	for (let round = -warmUp; round < rounds; round += 1) {
		const [one, other] = [await insert('unwatched'), await insert('watched')];
		if (round < 0) continue;
		unwatched.push(one);
		watched.push(other);
	}
	const ratio = median(watched) / median(unwatched);
	return {
		what: `INSERT into a watched table, ${engine}`,
		measured: `p50 ${median(watched).toFixed(2)} ms = ${ratio.toFixed(2)} × floor`,
		floor: `the same, not watched: p50 ${median(unwatched).toFixed(2)} ms`,
		goal: '≤ 2 × floor',
		met: ratio <= 2,
	};
}
