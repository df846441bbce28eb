import {spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync} from 'node:fs';
import {hostname, tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, onTestFinished, test} from 'vitest';
import {Ringer, startRinging} from '../../source/commands/hub/ring-clients.ts';
import {claimClient, clientOwners, isSpokenFor, recordedClients} from '../../source/join/clients/client-owner.ts';
import {processOf} from '../../source/join/clients/running-process.ts';
import {bellFile, createBell} from '../../source/join/hook/bell.ts';
import {SessionFile, sessionsFolder} from '../../source/join/hook/hook-session.ts';

let state: string;
let asked: {text: string; values: unknown; tag: string | undefined}[];
let newest: string | null;
let ringer: Ringer;
/** A process that has ended. */
const ended = spawnSync(process.execPath, ['-e', '0']).pid;

beforeEach(() => {
	state = mkdtempSync(join(tmpdir(), 'agentmux-ring-'));
	asked = [];
	newest = null;
	const run = async ({text, values}: {text: string; values?: readonly unknown[]}, tag?: string) => {
		asked.push({text: text.trim(), values, tag});
		return tag === undefined ? [{tag: 'CLAUDE_1', newest}] : [];
	};
	ringer = new Ringer({state, env: {HOME: state}, hub: {run}, log: () => undefined});
});
afterEach(() => {
	rmSync(state, {recursive: true, force: true});
});

/** The record of a server that was killed: its client is this process, or has ended, too. */
function record(client: number, interactive = true): void {
	const clients = join(state, 'clients');
	mkdirSync(clients, {recursive: true});
	const text = JSON.stringify({
		tag: 'claude_1',
		pid: ended,
		start: null,
		client: processOf(client),
		session: 'host:1',
		interactive,
	});
	writeFileSync(join(clients, `${client}.CLAUDE_1.json`), text);
}
const bell = () => bellFile(state, 'CLAUDE_1');
/** As SessionStart leaves it. */
function placeBell(): void {
	createBell(bell());
	utimesSync(bell(), 1, 1);
}
/** Whether the bell was rung; forgets it. */
function rang(): boolean {
	if (!existsSync(bell())) return false;
	const {mtimeMs} = statSync(bell());
	utimesSync(bell(), 1, 1);
	return mtimeMs > 1000;
}

test('where nobody lives, the database is not asked', async () => {
	await ringer.look(0);
	record(process.pid, false);
	await ringer.look(2000);
	expect(asked).toMatchObject([]);
});

test('an idle client whose mail is not taken is rung after 2, 5 and 10 s, and then less often, without its server', async () => {
	record(process.pid);
	placeBell();
	newest = '7';
	const rings: number[] = [];
	for (let second = 0; second <= 120; second += 1) {
		await ringer.look(second * 1000);
		if (rang()) rings.push(second);
	}
	expect(rings).toEqual([2, 5, 10, 30, 60, 120]);
	newest = '8';
	await ringer.look(121_000);
	expect(rang()).toBe(false);
	await ringer.look(123_000);
	expect(rang()).toBe(true);
	newest = null;
	await ringer.look(200_000);
	expect(rang()).toBe(false);
});

test('mail that keeps coming does not put off the ring', async () => {
	record(process.pid);
	placeBell();
	const rings: number[] = [];
	for (let second = 0; second <= 8; second += 2) {
		newest = String(second);
		await ringer.look(second * 1000);
		if (rang()) rings.push(second);
	}
	expect(rings).toEqual([2, 6]);
});

test('its session stays alive as long as the client does', async () => {
	record(process.pid);
	for (let second = 0; second <= 61; second += 1) await ringer.look(second * 1000);
	const signs = asked.filter(({text}) => text.includes('agent_touch'));
	expect(signs).toMatchObject(
		[
			{values: ['host:1', null], tag: 'CLAUDE_1'},
			{values: ['host:1', null], tag: 'CLAUDE_1'},
		].map(sign => ({...sign, tag: 'claude_1'})),
	);
});

test('the session of a client that is dead is ended at once, and its record removed', async () => {
	record(ended);
	expect(isSpokenFor(state, 'CLAUDE_1', {})).toBe(false);
	await ringer.look(0);
	expect(asked).toMatchObject([
		{text: expect.stringContaining('session_end') as string, values: ['["host:1"]'], tag: 'CLAUDE_1'},
	]);
	expect(readdirSync(join(state, 'clients'))).toEqual([]);
});

test('the dead client of an agent that was revoked is forgotten, and others are rung', async () => {
	record(ended);
	const other = {tag: 'other', session: 'host:3', interactive: true, client: processOf(process.pid), above: []};
	new SessionFile(sessionsFolder(state), 'host:3').change({owner: other});
	const run = async (_: unknown, tag?: string) => {
		if (tag !== undefined) throw Object.assign(new Error(`${tag} has been revoked`), {code: '42501'});
		return [{tag: 'OTHER', newest: '7'}];
	};
	ringer = new Ringer({state, env: {HOME: state}, hub: {run}, log: () => undefined});
	createBell(bellFile(state, 'OTHER'));
	utimesSync(bellFile(state, 'OTHER'), 1, 1);
	for (const second of [0, 2]) await ringer.look(second * 1000);
	expect(readdirSync(join(state, 'clients'))).toEqual([]);
	expect(statSync(bellFile(state, 'OTHER')).mtimeMs).toBeGreaterThan(1000);
});

/** What the hooks of a client leave whose server never ran. */
function recordByHook(client: number): void {
	const owner = {tag: 'claude_1', session: 'host:2', interactive: true, client: processOf(client), above: []};
	new SessionFile(sessionsFolder(state), 'host:2').change({working: true, owner});
}

test('so it is for a client that no server was started by, and that its hooks recorded', async () => {
	recordByHook(ended);
	await ringer.look(0);
	expect(asked).toMatchObject([{values: ['["host:2"]'], tag: 'CLAUDE_1'}]);
	expect(readdirSync(sessionsFolder(state))).toEqual([]);
});

test('such a client is rung and signed for as long as it lives, and works as no other agent because of it', async () => {
	recordByHook(process.pid);
	placeBell();
	newest = '7';
	await ringer.look(0);
	await ringer.look(2000);
	expect(rang()).toBe(true);
	expect(asked.filter(({text}) => text.includes('agent_touch'))).toMatchObject([
		{values: ['host:2', null], tag: 'claude_1'},
	]);
	expect(isSpokenFor(state, 'CLAUDE_1', {})).toBe(true);
	expect(clientOwners(state, {CLAUDE_CODE_SESSION_ID: 'host:2'})).toEqual([]);
});

test('a client with a server is recorded twice, and signs for itself', async () => {
	const env = {CLAUDE_CODE_SESSION_ID: 's', CLAUDE_CODE_ENTRYPOINT: 'cli', CLAUDE_PID: String(process.pid)};
	const claim = claimClient(state, env, 'CLAUDE_1');
	onTestFinished(() => claim.release());
	const owner = {
		tag: 'CLAUDE_1',
		session: `${hostname()}:s`,
		interactive: true,
		client: processOf(process.pid),
		above: [],
	};
	new SessionFile(sessionsFolder(state), 's').change({owner});
	expect(recordedClients(state)).toMatchObject([{isServed: true}]);
	await ringer.look(0);
	expect(asked.filter(({text}) => text.includes('agent_touch'))).toEqual([]);
});

test('one without a server whose user has interrupted it is idle, by what the client itself says', async () => {
	recordByHook(process.pid);
	const sessions = join(state, '.claude/sessions');
	mkdirSync(sessions, {recursive: true});
	const says = (status: string, ago: number) =>
		writeFileSync(
			join(sessions, '1.json'),
			JSON.stringify({pid: process.pid, status, statusUpdatedAt: Date.now() - ago}),
		);
	for (const [minute, status, ago] of [
		[0, 'busy', 60_000],
		// A hook may be about to report it.
		[1, 'idle', 1000],
		[2, 'idle', 60_000],
	] as const) {
		says(status, ago);
		await ringer.look(minute * 60_000);
	}
	expect(asked.filter(({text}) => text.includes('agent_touch')).map(({values}) => values)).toEqual([
		['host:2', null],
		['host:2', null],
		['host:2', 'idle'],
	]);
});

test('a hub that starts looks at once: what killed the one before may have killed clients, too', async () => {
	record(ended);
	const told = new Promise<string | undefined>(resolve => {
		const run = async (_: unknown, tag?: string) => {
			resolve(tag);
			return [];
		};
		onTestFinished(startRinging({state, env: {HOME: state}, hub: {run}, log: () => undefined, every: 1_000_000}));
	});
	expect(await told).toBe('CLAUDE_1');
});

test('a server records its client, and takes only its own record away', () => {
	const env = {CLAUDE_CODE_SESSION_ID: 's', CLAUDE_CODE_ENTRYPOINT: 'cli', CLAUDE_PID: String(process.pid)};
	const claim = claimClient(state, env, 'CLAUDE_1');
	expect(isSpokenFor(state, 'claude_1', {})).toBe(true);
	const [name = ''] = readdirSync(join(state, 'clients'));
	writeFileSync(join(state, 'clients', name), JSON.stringify({tag: 'CLAUDE_1', pid: ended}));
	claim.release();
	expect(readdirSync(join(state, 'clients'))).toEqual([name]);
	claimClient(state, env, 'CLAUDE_1').release();
	expect(readdirSync(join(state, 'clients'))).toEqual([]);
});

test('a record that somebody removed is written again, so that no script takes the mail of a client that lives', () => {
	const env = {CLAUDE_CODE_SESSION_ID: 's', CLAUDE_CODE_ENTRYPOINT: 'cli', CLAUDE_PID: String(process.pid)};
	const claim = claimClient(state, env, 'CLAUDE_1');
	rmSync(join(state, 'clients'), {recursive: true});
	expect(isSpokenFor(state, 'CLAUDE_1', {})).toBe(false);
	claim.renew();
	expect(isSpokenFor(state, 'CLAUDE_1', {})).toBe(true);
	claim.release();
	expect(isSpokenFor(state, 'CLAUDE_1', {})).toBe(false);
});
