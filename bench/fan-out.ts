import {issueToken} from '../source/hub/tokens/claims.ts';
import {Child} from './fan-out/child.ts';
import type {FromBare, FromSubscribers, ToBare, ToSubscribers} from './fan-out/messages.ts';
import {agentmux, insert, insertInto, median, pause, quantile, spread, type Figure, type Hub} from './measure.ts';

const subscribers = 64;
/** Changes in each transaction. */
const changes = 500;
const rounds = 8;
const inserts = 300;

type Subscribers = Child<ToSubscribers, FromSubscribers>;

/**
 * What 64 subscribers of postgres_changes are sent of a transaction, each with its own rights: from its commit until the last of them has
 * it all. Peer: a bare WebSocket server that sends the same bytes to the same clients.
 */
export async function fanOut(hub: Hub): Promise<Figure[]> {
	const nths = [...Array(subscribers).keys()];
	const shared = nths.map(() => 'READER');
	const own = nths.map(nth => `READER_${nth}`);
	return [
		await measure(hub, `fan-out to ${subscribers} subscribers with one token`, shared),
		await measure(hub, `fan-out to ${subscribers} subscribers with a token each`, own),
	];
}

async function measure(hub: Hub, what: string, tags: readonly string[]): Promise<Figure> {
	const bare = new Child<ToBare, FromBare>('bare.ts');
	const [own, peer] = [0, 1].map((): Subscribers => new Child('subscribers.ts')) as [Subscribers, Subscribers];
	try {
		const {port} = await bare.hear('port');
		own.tell({open: joins(hub, tags)});
		await own.hear('opened');
		peer.tell({open: tags.map(() => ({url: `ws://127.0.0.1:${port}`, first: null}))});
		await peer.hear('opened');
		const rates: {hub: number[]; bare: number[]} = {hub: [], bare: []};
		let bytes = 0;
		for (let round = -2; round < rounds; round += 1) {
			const [rate, frames] = await throughHub(hub, own);
			const floor = await throughBare(bare, peer, frames);
			bytes = Math.round(frames.reduce((sum, frame) => sum + Buffer.byteLength(frame), 0) / frames.length);
			if (round < 0) continue;
			rates.hub.push(rate);
			rates.bare.push(floor);
		}
		const ratio = median(rates.hub.map((rate, round) => rate / (rates.bare[round] ?? Number.NaN)));
		const each = (rate: number): string =>
			`${Math.round(rate / 1000)},000 changes/s (${(1e6 / rate).toFixed(1)} µs each)`;
		return {
			what,
			measured: `${each(median(rates.hub))} = ${ratio.toFixed(2)} × a bare ws`,
			floor: `a bare ws that sends the same frames (${bytes} bytes): ${each(median(rates.bare))}`,
			goal: '≥ 0.8 × a bare ws',
			met: ratio >= 0.8,
		};
	} finally {
		for (const child of [bare, own, peer]) child.end();
	}
}

/** Changes a second in all, and the frames that one subscriber got. */
async function throughHub(hub: Hub, own: Subscribers): Promise<[number, readonly string[]]> {
	own.tell({expect: changes});
	await own.hear('ready');
	const report = own.hear('first');
	const rows = Array.from({length: changes}, (_, n) => ({content: `[WRITER] message ${n} of a busy night @READER_1`}));
	await insertInto(hub, 'messages', rows);
	const answered = process.hrtime.bigint();
	const {first, last, frames} = await report;
	const begun = BigInt(first) < answered ? BigInt(first) : answered;
	return [rate(begun, BigInt(last)), frames];
}

async function throughBare(
	bare: Child<ToBare, FromBare>,
	peer: Subscribers,
	frames: readonly string[],
): Promise<number> {
	peer.tell({expect: frames.length});
	await peer.hear('ready');
	const report = peer.hear('first');
	bare.tell({send: frames});
	const {begun} = await bare.hear('begun');
	const {last} = await report;
	return rate(BigInt(begun), BigInt(last));
}

function rate(begun: bigint, ended: bigint): number {
	return (subscribers * changes * 1e9) / Number(ended - begun);
}

/** From before an INSERT is sent over REST until its change is at a subscriber in another process. Floor: that INSERT's own answer. */
export async function insertToSubscriber(hub: Hub): Promise<Figure> {
	const own: Subscribers = new Child('subscribers.ts');
	try {
		own.tell({open: joins(hub, ['READER'])});
		await own.hear('opened');
		const seen: number[] = [];
		const answered: number[] = [];
		for (let round = -50; round < inserts; round += 1) {
			own.tell({expect: 1});
			await own.hear('ready');
			const report = own.hear('first');
			const begun = process.hrtime.bigint();
			await insert(hub, `[BENCH] message ${round}`);
			const answer = process.hrtime.bigint();
			const {first} = await report;
			if (round >= 0) {
				answered.push(Number(answer - begun) / 1e6);
				seen.push(Number(BigInt(first) - begun) / 1e6);
			}
			await pause(5 + Math.random() * 10);
		}
		const ratio = median(seen) / median(answered);
		const tail = quantile(seen, 0.99) / median(seen);
		return {
			what: 'INSERT over REST to bytes at a subscriber',
			measured: `${spread(seen)} = ${ratio.toFixed(2)} × floor, p99 = ${tail.toFixed(1)} × p50`,
			floor: `the INSERT's own answer: ${spread(answered)}`,
			goal: '≤ 1.2 × floor, p99 ≤ 2 × p50',
			met: ratio <= 1.2 && tail <= 2,
		};
	} finally {
		own.end();
	}
}

function joins(hub: Hub, tags: readonly string[]): {url: string; first: string}[] {
	const secret = /^JWT_SECRET="?([^"\n]+)/m.exec(agentmux(hub.env, 'hub', 'status', '-o', 'env'))?.[1] ?? '';
	const tokens = new Map(tags.map(tag => [tag, issueToken(secret, {tag, kind: 'agent'})]));
	const changes = [{event: 'INSERT', schema: 'public', table: 'messages'}];
	return tags.map(tag => ({
		url: `${hub.url.replace('http', 'ws')}/realtime/v1/websocket?vsn=2.0.0&apikey=${hub.key}`,
		first: JSON.stringify([
			'1',
			'1',
			'realtime:messages',
			'phx_join',
			{config: {presence: {enabled: false}, postgres_changes: changes}, access_token: tokens.get(tag)},
		]),
	}));
}
