import {readdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {query} from '../faults/writers.ts';
import type {TestHub} from '../helpers/hub.ts';
import {filling} from './fill.ts';
import type {Load} from './load.ts';
import type {Probes} from './probes.ts';

/** What a figure is counted in. */
export type Unit = 'MB alive' | 'MB resident' | 'MB' | 'files' | 'kB' | 'dead rows' | 'bytes per message';

/** What grows with the messages by its nature, and what VACUUM takes away once an hour, is shown and not judged. */
export function isJudged(unit: Unit): boolean {
	return unit !== 'dead rows' && unit !== 'bytes per message';
}

/** MB. Of the screen: the goal of `npm run bench:tui`. Of the others: a tenth more than 250 and 100, measured when all that is bounded was full. */
export const maxResident: {readonly [program: string]: number} = {hub: 275, screen: 180, tail: 110};

/** How much memory is alive in each program, by thread. */
export async function sampleAlive(probes: Probes, {screen, tail}: Load, hub: TestHub): Promise<Figure[]> {
	const figures: Figure[] = [];
	for (const [name, pid] of Object.entries({hub: hub.pid, screen, tail})) {
		const [main = Number.NaN, ...others] = await probes.alive(pid);
		figures.push(figure(name, 'MB alive', main));
		for (const each of others) figures.push(figure(`${name}, its database`, 'MB alive', each));
	}
	return figures;
}

export interface Figure {
	readonly what: string;
	readonly unit: Unit;
	readonly value: number;
}

/** Tables that hold one row for each that takes part, or are cleared of what is over: their size must stay. */
const bounded = ['agents', 'agent_sessions', 'cursors'];
/** Tables in which a message, its hand-over or a task leaves a row for good. */
const growing = ['messages', 'channel_entries', 'receipts', 'tasks', 'events'];

/** Everything at one moment. */
export async function sample(hub: TestHub, {screen, tail, done}: Load): Promise<Figure[]> {
	const processes = {hub: hub.pid, screen, tail};
	const data = join(hub.home, 'data/pg');
	const wal = megabytesIn(join(data, 'pg_wal'));
	const messages = filling.messages + done.messages;
	return [
		...Object.entries(processes).map(([name, pid]) => figure(name, 'MB resident', residentMegabytes(pid))),
		...Object.entries(processes).map(([name, pid]) =>
			figure(`${name} open files`, 'files', readdirSync(`/proc/${pid}/fd`).length),
		),
		figure('WAL', 'MB', wal),
		...(await tables(hub)),
		figure('all data but WAL', 'bytes per message', ((megabytesIn(data) - wal) * 1e6) / messages),
	];
}

async function tables(hub: TestHub): Promise<Figure[]> {
	const rows = await query<{name: string; bytes: number; dead: number}>(
		hub,
		`select c.relname as name, pg_total_relation_size(c.oid)::int as bytes,
			coalesce(pg_stat_get_dead_tuples(c.oid), 0)::int as dead
		from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
		where c.relkind = 'r' and n.nspname in ('public', 'agentmux')
			and c.relname in (${[...bounded, ...growing].map(name => `'${name}'`).join()})
		order by 1`,
	);
	const [counted] = await query<{n: number}>(hub, 'select count(*)::int as n from messages');
	const messages = counted?.n ?? 0;
	return rows.flatMap(({name, bytes, dead}) => [
		bounded.includes(name)
			? figure(name, 'kB', bytes / 1000)
			: figure(name, 'bytes per message', bytes / Math.max(1, messages)),
		figure(name, 'dead rows', dead),
	]);
}

const figure = (what: string, unit: Unit, value: number): Figure => ({what, unit, value});

function residentMegabytes(pid: number): number {
	return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

function megabytesIn(folder: string): number {
	let bytes = 0;
	for (const entry of readdirSync(folder, {recursive: true, withFileTypes: true})) {
		// A file may go between its name and its size.
		if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name), {throwIfNoEntry: false})?.size ?? 0;
	}
	return bytes / 1e6;
}
