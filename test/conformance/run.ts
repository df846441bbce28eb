import {type Areas, type Case} from './cases/case.ts';
import {calling} from './cases/calling.ts';
import {embedding} from './cases/embedding.ts';
import {reading} from './cases/reading.ts';
import {surface} from './cases/surface.ts';
import {writing} from './cases/writing.ts';
import {ask, differences, type Answer} from './answer.ts';
import {engines, type Engine} from './engine.ts';
import {known} from './known.ts';
import {startLite} from './lite.ts';

const areas: Areas = {...reading, ...embedding, ...writing, ...calling, ...surface};
const verbose = process.argv.includes('--verbose');

interface Tally {
	cases: number;
	same: number;
	/** Different, for a reason that is known. */
	known: number;
	unknown: number;
}

const reference = await engines.pglite();
const others: Engine[] = [await engines.postgres()];
try {
	others.push(await startLite());
} catch (error) {
	const [reason] = String(error instanceof Error ? error.message : error).split('\n');
	console.log(`@supabase/lite could not be installed or started, and is left out: ${reason}`);
}

const tallies = new Map<string, Map<string, Tally>>();
let unknown = 0;
const used = new Set<unknown>();
try {
	for (const [area, cases] of Object.entries(areas)) {
		for (const each of cases) await compare(area, each);
	}
} finally {
	for (const engine of [reference, ...others]) await engine.close();
}
print();
if (unknown > 0) {
	console.log(`\n${unknown} differences have no known reason.`);
	process.exitCode = 1;
}

async function compare(area: string, each: Case): Promise<void> {
	const expected = await answerOf(reference, each);
	for (const engine of others) {
		const byArea = tallies.get(engine.name) ?? new Map<string, Tally>();
		const tally = byArea.get(area) ?? {cases: 0, same: 0, known: 0, unknown: 0};
		tallies.set(engine.name, byArea.set(area, tally));
		tally.cases += 1;
		const found = differences(expected, await answerOf(engine, each));
		const open = found.filter(({field, ours, theirs}) => {
			const reason = known.find(
				({engine: name, area: within, line, fields}) =>
					name === engine.name &&
					(within === undefined || within.includes(area)) &&
					(line === undefined || line.test(lineOf(each))) &&
					fields.includes(field),
			);
			if (reason !== undefined) used.add(reason);
			if (reason === undefined || verbose) {
				console.log(
					`\n${area}: ${show(each)}\n  ${field} of ${reference.name}: ${ours}\n  ${field} of ${engine.name}: ${theirs}`,
				);
				if (reason !== undefined) console.log(`  known: ${reason.reason}`);
			}
			return reason === undefined;
		});
		if (found.length === 0) tally.same += 1;
		else if (open.length === 0) tally.known += 1;
		else tally.unknown += 1;
		if (open.length > 0) unknown += 1;
	}
}

async function answerOf(engine: Engine, each: Case): Promise<Answer> {
	if (!/^(GET|HEAD|OPTIONS) /.test(lineOf(each))) await engine.reset();
	return ask(engine.url, each);
}

function lineOf(each: Case): string {
	return typeof each === 'string' ? each : each[0];
}

function show(each: Case): string {
	return (
		typeof each === 'string' ? each : [each[0], ...each.slice(1).map(part => JSON.stringify(part))].join(' ')
	).slice(0, 400);
}

/** One line for each area: how many cases, and for each engine how many of them are as on PGlite. */
function print(): void {
	const width = Math.max(...Object.keys(areas).map(area => area.length));
	const names = others.map(({name}) => name);
	console.log(
		`\n${'area'.padEnd(width)}  cases${names.map(name => `  ${`${name}: same`.padStart(24)}  known  unknown`).join('')}`,
	);
	const total = new Map<string, Tally>();
	const line = (title: string, cases: number, of: (name: string) => Tally) =>
		console.log(
			`${title.padEnd(width)}  ${String(cases).padStart(5)}${names
				.map(name => {
					const tally = of(name);
					return `  ${String(tally.same).padStart(24)}  ${String(tally.known).padStart(5)}  ${String(tally.unknown).padStart(7)}`;
				})
				.join('')}`,
		);
	for (const [area, cases] of Object.entries(areas)) {
		line(area, cases.length, name => {
			const tally = tallies.get(name)?.get(area) ?? {cases: 0, same: 0, known: 0, unknown: 0};
			const sum = total.get(name) ?? {cases: 0, same: 0, known: 0, unknown: 0};
			total.set(name, {
				cases: sum.cases + tally.cases,
				same: sum.same + tally.same,
				known: sum.known + tally.known,
				unknown: sum.unknown + tally.unknown,
			});
			return tally;
		});
	}
	line(
		'all',
		Object.values(areas).reduce((sum, cases) => sum + cases.length, 0),
		name => total.get(name) ?? {cases: 0, same: 0, known: 0, unknown: 0},
	);
}
