import {rmSync} from 'node:fs';
import {connect, type Socket} from 'node:net';
import path from 'node:path';
import {PGlite} from '@electric-sql/pglite';
import pg from 'pg';
import {DurableFiles} from '../source/hub/pglite/durable-files.ts';
import {connections} from '../source/hub/postgres/pool.ts';
import {startPostgres} from '../test/helpers/postgres.ts';
import {newDirectory} from '../test/helpers/prepared.ts';
import {median, withHub, type Figure, type Hub} from './measure.ts';

const clients = 16;
/** Each side runs this often, by turns, so that other work on the machine hits both. */
const rounds = 5;
const seconds = 1.5;

/** Durable inserts a second over REST by sixteen clients; peers: PGlite without a hub, into the same table and into a plain one. */
export async function durableInserts(hub: Hub): Promise<Figure[]> {
	const directory = path.join(hub.home, 'peer');
	await newDirectory(directory);
	const pglite = await PGlite.create({
		fs: new DurableFiles(directory),
		startParams: [...PGlite.defaultStartParams.filter(parameter => parameter !== '-F'), '-c', 'wal_sync_method=fsync'],
	});
	const rest = await restClients(hub);
	try {
		await pglite.exec('create table plain (id bigint generated always as identity primary key, content text)');
		let row = 0;
		const insertInto = (table: string) => async (): Promise<void> => {
			await pglite.query(`insert into ${table} (content) values ($1)`, [contentOf(row % clients, row++)]);
		};
		const [overRest, same, plain] = await byTurns([rest.inserts, [insertInto('messages')], [insertInto('plain')]]);
		const what = `durable inserts over REST, ${clients} clients`;
		return [
			figure(what, overRest, 'PGlite alone, the same table, one after the other', same, 0.6),
			figure(what, overRest, 'PGlite alone, a plain table', plain, null),
		];
	} finally {
		rest.close();
		await pglite.close();
		rmSync(directory, {recursive: true, force: true});
	}
}

/** The same with a PostgreSQL server; peer: plain inserts with as many connections as the hub has for one caller. */
export async function durableInsertsOnPostgres(): Promise<Figure> {
	const server = await startPostgres({durable: true});
	const peers = Array.from({length: connections - 2}, () => new pg.Client(server.connectionString));
	try {
		await Promise.all(peers.map(peer => peer.connect()));
		return await withHub(
			async hub => {
				const rest = await restClients(hub);
				let row = 0;
				const plain = peers.map((peer, index) => async () => {
					await peer.query('insert into messages (content) values ($1)', [contentOf(index, row++)]);
				});
				const [overRest, same] = await byTurns([rest.inserts, plain]);
				rest.close();
				return figure(
					`durable inserts over REST on PostgreSQL, ${clients} clients`,
					overRest,
					`plain inserts over ${peers.length} connections`,
					same,
					0.85,
				);
			},
			{AGENTMUX_DATABASE_URL: server.connectionString},
		);
	} finally {
		await Promise.all(peers.map(peer => peer.end()));
		await server.stop();
	}
}

function figure(what: string, measured: Rates, peer: string, floor: Rates, goal: number | null): Figure {
	const ratio = median(measured.map((rate, index) => rate / (floor[index] ?? Number.NaN)));
	return {
		what,
		measured: `${median(measured).toFixed(0)}/s = ${ratio.toFixed(2)} × peer`,
		floor: `${peer}: ${median(floor).toFixed(0)}/s`,
		goal: goal === null ? 'none set' : `≥ ${goal} × peer`,
		met: goal === null ? null : ratio >= goal,
	};
}

/** Something that inserts one row and resolves when it is durable. */
type Insert = () => Promise<void>;
/** Rows a second, in each round. */
type Rates = readonly number[];

/** `sides`: the clients that insert at once on each side. */
async function byTurns<const Sides extends ReadonlyArray<readonly Insert[]>>(
	sides: Sides,
): Promise<{[side in keyof Sides]: number[]}> {
	const rates = sides.map((): number[] => []);
	for (let round = -1; round < rounds; round += 1) {
		for (const [index, side] of sides.entries()) {
			const begin = performance.now();
			const end = begin + (round < 0 ? 500 : seconds * 1000);
			const counts = await Promise.all(
				side.map(async insert => {
					let count = 0;
					for (; performance.now() < end; count += 1) await insert();
					return count;
				}),
			);
			const rate = (counts.reduce((sum, count) => sum + count, 0) * 1000) / (performance.now() - begin);
			if (round >= 0) rates[index]?.push(rate);
		}
	}
	return rates as {[side in keyof Sides]: number[]};
}

function contentOf(client: number, row: number): string {
	return `[WRITER_${client}] row ${row}`;
}

/** Clients that keep a connection each, and cost little themselves: two cores run them and what they measure. */
async function restClients(hub: Hub): Promise<{inserts: Insert[]; close: () => void}> {
	const {hostname, port} = new URL(hub.url);
	const sockets = await Promise.all(
		Array.from({length: clients}, async () => {
			const socket = connect(Number(port), hostname);
			await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
			return socket.setNoDelay();
		}),
	);
	let row = 0;
	return {
		inserts: sockets.map((socket, client) => async () => {
			const body = JSON.stringify({content: contentOf(client, row++)});
			const head = [
				'POST /rest/v1/messages HTTP/1.1',
				`host: ${hostname}:${port}`,
				`apikey: ${hub.key}`,
				`authorization: Bearer ${hub.key}`,
				'content-type: application/json',
				'prefer: return=minimal',
				`content-length: ${Buffer.byteLength(body)}`,
			];
			const answer = await exchange(socket, `${head.join('\r\n')}\r\n\r\n${body}`);
			if (!answer.startsWith('HTTP/1.1 201 ')) throw new Error(`an insert was answered with ${answer}`);
		}),
		close() {
			for (const socket of sockets) socket.destroy();
		},
	};
}

/** The answer, which has no body and comes whole. */
function exchange(socket: Socket, request: string): Promise<string> {
	return new Promise((resolve, reject) => {
		const fail = (): void => reject(new Error('the hub closed the connection'));
		socket.once('close', fail);
		socket.once('data', (data: Buffer) => {
			socket.off('close', fail);
			resolve(data.toString('latin1'));
		});
		socket.write(request);
	});
}
