import {setTimeout as delay} from 'node:timers/promises';
import {afterAll, afterEach, beforeAll, expect, test} from 'vitest';
import {WebSocket} from 'ws';
import {owner} from '../../../source/hub/schema/bootstrap.ts';
import type {Database} from '../../../source/hub/database/database.ts';
import {comparable, readRecording, recordings, type Heard, type Line} from './recording.ts';
import {openDatabase, soon, startRig, until, type Rig} from './rig.ts';

const schema = `
create table rec_types (id bigint generated always as identity primary key, name text, big bigint, doc jsonb, seen timestamptz, tags text[],
	uid uuid, name_upper text generated always as (upper(name)) stored);
create table rec_full (like rec_types including all);
alter table rec_full replica identity full;
create table rec_items (id bigint generated always as identity primary key, room text, size int, body text);
create table rec_rls (id bigint generated always as identity primary key, owner uuid, body text);
alter table rec_rls enable row level security;
create policy own_rows on rec_rls for select to authenticated using (owner = auth.uid());
create table rec_denied (id bigint generated always as identity primary key, body text);
create table rec_cols (id bigint generated always as identity primary key, body text, secret text);
create table rec_nopk (body text);
create table rec_unpublished (id bigint generated always as identity primary key, body text);
grant all on rec_types, rec_full, rec_items, rec_rls, rec_nopk, rec_unpublished to anon, authenticated, service_role;
grant select (id, body) on rec_cols to anon;
alter publication supabase_realtime add table rec_types, rec_full, rec_items, rec_rls, rec_denied, rec_cols, rec_nopk;
`;

/** In the scenario of silence, time passes this many times faster. */
const haste = 20;

/** What was sent to a private topic by a token that may not: the recorded server says 202, and drops it; the hub says 403. */
const forbidden = /"event":"(?:rest-unallowed|rest-anon)"/;
const forbiddenAnswer = {
	status: 403,
	headers: {'content-type': 'application/json; charset=utf-8'},
	body: '{"message":"You are not allowed to broadcast on this private topic."}',
};

/**
 * A recording as the hub is to play it: with the answer of newer servers where the recorded one was too old for
 * supabase-js, with a refusal where it hides one, and without the two frames with which it breaks clients of 1.0.0: text that
 * is no JSON.
 */
function asPlayed(recorded: readonly Line[]): Line[] {
	return recorded.flatMap((line, index) => {
		if (line.dir === 'in' && typeof line.frame === 'string') return [];
		const before = recorded[index - 1];
		const asked = recorded.slice(0, index).findLast(({dir}) => dir === 'http');
		if (line.dir === 'http' && line.text.includes('"response"') && forbidden.test(asked?.text ?? '')) {
			return [sameLine(line, () => JSON.stringify({response: forbiddenAnswer}))];
		}
		if (before?.dir !== 'http' || !before.text.includes('"target":"/api/broadcast/bc/events/single"')) return [line];
		const heard = recorded
			.slice(0, index)
			.filter(({dir, text}) => dir === 'in' && text.includes('"event":"x","payload":{}'));
		return [
			...heard.map(each =>
				sameLine(each, text => text.replace('"event":"x","payload":{}', '"event":"single","payload":{"n":9}')),
			),
			sameLine(line, () => '{"response":{"status":202,"headers":{},"body":""}}'),
		];
	});
}

function sameLine(line: Line, change: (text: string) => string): Line {
	const text = change(line.text);
	return {...line, text, frame: JSON.parse(text)};
}

let database: Database;
let rig: Rig | null = null;
const sockets = new Map<string, WebSocket>();

beforeAll(async () => {
	database = await openDatabase();
	await database.script(owner, schema);
});

afterAll(() => database.close());

afterEach(async () => {
	for (const socket of sockets.values()) socket.terminate();
	sockets.clear();
	await rig?.stop();
	rig = null;
});

test.each(recordings())('the hub responds like the real server in %s', async name => {
	rig = await startRig(name.startsWith('12b') ? {silence: 66_000 / haste} : {}, database);
	const replay = new Replay(rig);
	for (const line of asPlayed(readRecording(name))) await replay.step(line);
	await replay.settle();
	expect(replay.answers).toEqual(replay.expectedAnswers);
	expect(comparable(replay.heard)).toEqual(comparable(replay.expected));
	rig.checkFaults();
});

test('all recorded frames but two are reproduced', () => {
	const lines = recordings().map(name => [readRecording(name).length, asPlayed(readRecording(name)).length]);
	const [recorded, played] = [0, 1].map(nth => lines.reduce((sum, counts) => sum + (counts[nth] ?? 0), 0));
	// The newer answer of one request, in both serializers, is a frame for each of two clients.
	expect([recorded, played]).toEqual([recorded, (recorded ?? 0) - 2 + 2 * 2]);
	expect(recorded).toBeGreaterThan(1900);
});

/** The directives in a note about a connection, besides text. */
interface Note {
	readonly open?: string;
	readonly headers?: {[name: string]: string};
	readonly upgraded?: number;
	readonly refused?: number;
	readonly closed?: number;
	readonly by?: 'client' | 'server';
	readonly listened_ms?: number;
	readonly waited_ms?: number;
	readonly sent_ping?: string;
	readonly pong?: string;
	readonly still_open_after_ms?: number;
}

interface Exchange {
	readonly request?: {method: string; target: string; headers: {[name: string]: string}; body?: unknown};
	readonly response?: {status: number; headers: {[name: string]: string}; body: string};
}

class Replay {
	readonly heard: Heard[] = [];
	readonly expected: Heard[] = [];
	/** HTTP: status, body, content-type. */
	readonly answers: unknown[] = [];
	readonly expectedAnswers: unknown[] = [];
	readonly #rig: Rig;
	readonly #tokens = new Map<string, string>();
	/** The outcome of each client's socket: `101`, `403`, `closed 1000`. */
	readonly #fates = new Map<string, string>();
	readonly #pongs = new Set<string>();
	#response: Promise<Response> | null = null;

	constructor(rig: Rig) {
		this.#rig = rig;
	}

	async step({dir, client, text, frame}: Line): Promise<void> {
		switch (dir) {
			case 'in': {
				const binary = (frame as {base64?: string} | null)?.base64;
				this.expected.push({client, text: binary ?? text, binary: binary !== undefined});
				return;
			}
			case 'out': {
				await this.#caughtUp();
				const binary = (frame as {base64?: string} | null)?.base64;
				const plain = typeof frame === 'string' ? frame : this.#fill(text);
				sockets.get(client)?.send(binary === undefined ? plain : Buffer.from(binary, 'base64'));
				return;
			}
			case 'sql':
				await this.#caughtUp();
				await this.#rig.sql(String(frame));
				return;
			case 'http':
				await this.#exchange(frame as Exchange);
				return;
			case 'note':
				if (frame === 'the server is told to stop') await this.#rig.shut();
				else if (typeof frame === 'object' && frame !== null) await this.#note(client, frame);
				return;
			default:
		}
	}

	/** All expected frames have arrived, and there was time for unexpected ones. */
	async settle(): Promise<void> {
		await this.#caughtUp();
		await delay(200);
	}

	async #note(client: string, note: Note): Promise<void> {
		if (note.open !== undefined) this.#open(client, note.open, note.headers ?? {});
		if (note.upgraded !== undefined || note.refused !== undefined) {
			await this.#fate(client, String(note.upgraded ?? note.refused));
		}
		if (note.sent_ping !== undefined) sockets.get(client)?.ping();
		if (note.pong !== undefined) await until(() => this.#pongs.has(client));
		const wait = note.listened_ms ?? note.waited_ms ?? note.still_open_after_ms;
		if (wait !== undefined) {
			await this.#caughtUp();
			await delay(Math.min(wait, wait > 2500 ? wait / haste : 100));
		}
		if (note.still_open_after_ms !== undefined) await this.#fate(client, '101');
		if (note.closed === undefined) return;
		await this.#caughtUp();
		if (note.by === 'client') {
			if (note.closed === 1006) sockets.get(client)?.terminate();
			else sockets.get(client)?.close(note.closed);
		}
		await this.#fate(client, `closed ${note.closed}`);
	}

	#open(client: string, path: string, headers: {[name: string]: string}): void {
		const filled = JSON.parse(this.#fill(JSON.stringify(headers))) as {[name: string]: string};
		const url = `${this.#rig.url.replace('http', 'ws')}/realtime/v1${this.#fill(path)}`;
		const socket = new WebSocket(url, {headers: filled, maxPayload: 0});
		sockets.set(client, socket);
		socket.on('upgrade', () => this.#fates.set(client, '101'));
		socket.on('unexpected-response', (_, response) => {
			this.#fates.set(client, String(response.statusCode));
			response.resume();
		});
		socket.on('error', () => undefined);
		socket.on('pong', () => this.#pongs.add(client));
		socket.on('close', code => this.#fates.set(client, `closed ${code}`));
		socket.on('message', (data: Buffer, binary) => {
			this.heard.push({client, text: data.toString(binary ? 'base64' : 'utf8'), binary});
		});
	}

	async #fate(client: string, fate: string): Promise<void> {
		await until(
			() => this.#fates.get(client) === fate,
			() => `${client}: ${this.#fates.get(client)} instead of ${fate}`,
		);
		if (fate === '101') await until(() => sockets.get(client)?.readyState === WebSocket.OPEN);
	}

	async #exchange({request, response}: Exchange): Promise<void> {
		if (request !== undefined) {
			await this.#caughtUp();
			const headers = JSON.parse(this.#fill(JSON.stringify(request.headers))) as {[name: string]: string};
			const body = typeof request.body === 'string' ? request.body : JSON.stringify(request.body);
			const {method, target} = request;
			this.#response = fetch(`${this.#rig.url}/realtime/v1${target}`, {
				method,
				headers,
				...(request.body === undefined ? {} : {body}),
			});
		}
		if (response !== undefined && this.#response !== null) {
			const got = await this.#response;
			const type = response.headers['content-type'] ?? null;
			this.answers.push([got.status, await got.text(), got.headers.get('content-type')]);
			this.expectedAnswers.push([response.status, response.body, type]);
		}
	}

	/** As many frames have arrived as were recorded up to this point. */
	async #caughtUp(): Promise<void> {
		await until(
			() => this.heard.length >= this.expected.length,
			() =>
				`came: ${JSON.stringify(this.heard.slice(-5))}\nrecorded: ${JSON.stringify(this.expected.slice(-5))}`.slice(
					0,
					4000,
				),
		);
	}

	#fill(text: string): string {
		return text.replaceAll(/<([a-z0-9-]+)-token(-2)?>/gu, (_, name: string, second: string | undefined) => {
			const key = `${name}${second ?? ''}`;
			const token = this.#tokens.get(key) ?? makeToken(this.#rig, name, second !== undefined);
			this.#tokens.set(key, token);
			return token;
		});
	}
}

function makeToken(rig: Rig, name: string, second: boolean): string {
	const exp = soon(second ? 7200 : 3600);
	const user = (letter: string): object => ({
		role: 'authenticated',
		sub: `00000000-0000-4000-8000-00000000000${letter}`,
		exp,
	});
	const claims: {readonly [name: string]: object} = {
		anon: {role: 'anon', exp},
		'user-a': user('a'),
		'user-b': user('b'),
		service: {role: 'service_role', exp},
		expired: {role: 'anon', exp: soon(-60)},
		short: {role: 'anon', exp: soon(5)},
		'no-role': {exp},
		'no-exp': {role: 'anon'},
		'unknown-role': {role: 'nobody_at_all', exp},
		'wrong-secret': {role: 'anon', exp},
	};
	const token = rig.token({...claims[name]});
	return name === 'wrong-secret' ? `${token.slice(0, -4)}AAAA` : token;
}
