import {type Areas, type Case} from './cases/case.ts';
import {calling} from './cases/calling.ts';
import {embedding} from './cases/embedding.ts';
import {reading} from './cases/reading.ts';
import {surface} from './cases/surface.ts';
import {writing} from './cases/writing.ts';
import {ask, differences, type Answer} from './answer.ts';
import {engines, type Engine} from './engine.ts';
import {explains, known, type Known} from './known.ts';
import {startLite} from './lite.ts';
import {checkMcp} from './mcp.ts';

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

let wrongCalls = 0;
const tallies = new Map<string, Map<string, Tally>>();
const none: Tally = {cases: 0, same: 0, known: 0, unknown: 0};
const used = new Set<Known>();
try {
	for (const [area, cases] of Object.entries(areas)) {
		for (const each of cases) await compare(area, each);
	}
	for (const engine of [reference, ...others.slice(0, 1)]) await mcp(engine);
} finally {
	for (const engine of [reference, ...others]) await engine.close();
}
const unknown = print();
if (others.length > 1) {
	for (const reason of known) {
		if (!used.has(reason)) console.log(`\nNo case shows this known difference any more: ${reason.reason}`);
	}
}
if (wrongCalls > 0) process.exitCode = 1;
if (unknown > 0) {
	console.log(`\n${unknown} differences have no known reason.`);
	process.exitCode = 1;
}

/** The stock MCP server for PostgREST, where it can be installed. */
async function mcp(engine: Engine): Promise<void> {
	const {calls, wrong} = await checkMcp(engine).catch((error: unknown) => {
		console.log(`@supabase/mcp-server-postgrest could not be installed or started: ${String(error).split('\n')[0]}`);
		return {calls: 0, wrong: []};
	});
	wrongCalls += wrong.length;
	for (const each of wrong) console.log(`\n${engine.name}: ${each}`);
	if (calls > 0)
		console.log(`@supabase/mcp-server-postgrest on the ${engine.name}: ${calls} calls, ${wrong.length} wrong.`);
}

async function compare(area: string, each: Case): Promise<void> {
	const expected = await answerOf(reference, each);
	for (const engine of others) {
		const byArea = tallies.get(engine.name) ?? new Map<string, Tally>();
		const tally = byArea.get(area) ?? {...none};
		tallies.set(engine.name, byArea.set(area, tally));
		const answer = await answerOf(engine, each);
		const found = differences(expected, answer);
		const reasons = new Map(
			found.map(({field}) => [
				field,
				known.find(reason =>
					explains(reason, {engine: engine.name, line: lineOf(each), field, ours: expected, theirs: answer}),
				),
			]),
		);
		const open = found.filter(({field}) => reasons.get(field) === undefined);
		for (const reason of reasons.values()) if (reason !== undefined) used.add(reason);
		tally.cases += 1;
		if (found.length === 0) tally.same += 1;
		else if (open.length === 0) tally.known += 1;
		else tally.unknown += 1;
		const shown = verbose ? found : open;
		if (shown.length === 0) continue;
		console.log(`\n${area}: ${show(each)}`);
		for (const {field, ours, theirs} of shown) {
			console.log(`  ${field}\n    ${reference.name}: ${ours}\n    ${engine.name}: ${theirs}`);
			const reason = reasons.get(field);
			if (reason !== undefined) console.log(`    known: ${reason.reason}`);
		}
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

/** One line for each area: how many cases, and for each engine how many of them are as on PGlite. Gives how many have no known reason. */
function print(): number {
	const width = Math.max(...Object.keys(areas).map(area => area.length));
	const row = (title: string, cases: string, cells: readonly (readonly [string, string, string])[]) => {
		const columns = cells.map(
			([same, known, unknown]) => `  ${same.padStart(22)}  ${known.padStart(5)}  ${unknown.padStart(7)}`,
		);
		console.log(`${title.padEnd(width)}  ${cases.padStart(5)}${columns.join('')}`);
	};
	console.log(
		`\nEach answer compared with that of the ${reference.name}: same, different for a known reason, different for none.\n`,
	);
	row(
		'area',
		'cases',
		others.map(({name}) => [`${name}: same`, 'known', 'unknown']),
	);
	const totals = new Map(others.map(({name}) => [name, {...none}]));
	for (const [area, cases] of Object.entries(areas)) {
		row(
			area,
			String(cases.length),
			others.map(({name}) => {
				const {same, known, unknown} = tallies.get(name)?.get(area) ?? none;
				const total = totals.get(name) ?? {...none};
				total.same += same;
				total.known += known;
				total.unknown += unknown;
				return [String(same), String(known), String(unknown)];
			}),
		);
	}
	const all = [...totals.values()];
	const cases = Object.values(areas).reduce((sum, each) => sum + each.length, 0);
	row(
		'all',
		String(cases),
		all.map(({same, known, unknown}) => [String(same), String(known), String(unknown)]),
	);
	return all.reduce((sum, {unknown}) => sum + unknown, 0);
}
