import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test, vi} from 'vitest';
import {clientStatus} from '../../source/join/clients/client-status.ts';
import {Turn} from '../../source/join/clients/turn.ts';

let home: string;
beforeEach(() => {
	home = mkdtempSync(join(tmpdir(), 'agentmux-turn-'));
	mkdirSync(join(home, '.claude/sessions'), {recursive: true});
});
afterEach(() => {
	vi.useRealTimers();
	rmSync(home, {recursive: true, force: true});
});

const write = (name: string, content: object | string): void =>
	writeFileSync(join(home, '.claude/sessions', name), typeof content === 'string' ? content : JSON.stringify(content));

describe('the file in which a client reports its state', () => {
	const env = () => ({HOME: home, CLAUDE_CODE_MESSAGING_SOCKET: '/tmp/cc-socks/46.sock'});

	test('is found by the socket that it listens on, among others and what is half written', () => {
		write('12.json', {messagingSocketPath: '/tmp/cc-socks/12.sock', status: 'busy', statusUpdatedAt: 1});
		write('13.json', '{"messagingSocketPath":"/tmp/cc-so');
		write('14.json', '[1]');
		write('46.key', 'no JSON');
		write('46.json', {messagingSocketPath: '/tmp/cc-socks/46.sock', status: 'idle', statusUpdatedAt: 2});
		expect(clientStatus(env())).toEqual({status: 'idle', since: 2, isAlive: true});
	});

	test('is looked for where its configuration is', () => {
		mkdirSync(join(home, 'other/sessions'), {recursive: true});
		const own = {messagingSocketPath: '/tmp/cc-socks/46.sock', status: 'busy', statusUpdatedAt: 3};
		writeFileSync(join(home, 'other/sessions/46.json'), JSON.stringify(own));
		expect(clientStatus({...env(), CLAUDE_CONFIG_DIR: join(home, 'other')})).toEqual({
			status: 'busy',
			since: 3,
			isAlive: true,
		});
	});

	test('is not known of another client, an older one, or without its folder', () => {
		write('46.json', {messagingSocketPath: '/tmp/cc-socks/46.sock'});
		expect(clientStatus(env())).toBeNull();
		expect(clientStatus({HOME: home})).toBeNull();
		expect(clientStatus({...env(), HOME: join(home, 'nowhere')})).toBeNull();
	});
});

describe('the end of a turn that no hook reports', () => {
	test('is reported once as an interruption, when the client has been idle for a while and no hook ran', () => {
		vi.useFakeTimers({now: 0});
		let status = {status: 'busy', since: 0, isAlive: true};
		const ends: boolean[] = [];
		const turn = new Turn({status: () => status, isOpen: () => true, onEnd: end => ends.push(end), every: 1000});
		turn.follow(true);
		vi.advanceTimersByTime(5000);
		expect(ends).toEqual([]);
		status = {status: 'idle', since: 5500, isAlive: true};
		vi.advanceTimersByTime(1000);
		expect(ends).toEqual([]);
		vi.advanceTimersByTime(1000);
		expect(ends).toEqual([true]);
		// Another client works under the tag: it is no news that this one does not.
		vi.advanceTimersByTime(5000);
		expect(ends).toEqual([true]);
		status = {status: 'busy', since: 12_000, isAlive: true};
		vi.advanceTimersByTime(2000);
		status = {status: 'idle', since: 14_000, isAlive: true};
		vi.advanceTimersByTime(2000);
		expect(ends).toEqual([true, true]);
	});

	test('is no interruption if a hook saw it, which may take some seconds to report it, or was killed', () => {
		vi.useFakeTimers({now: 0});
		const status = {status: 'idle', since: 0, isAlive: true};
		const ends: boolean[] = [];
		const turn = new Turn({status: () => status, isOpen: () => false, onEnd: end => ends.push(end), every: 1000});
		turn.follow(true);
		vi.advanceTimersByTime(5000);
		expect(ends).toEqual([]);
		vi.advanceTimersByTime(5000);
		expect(ends).toEqual([false]);
	});

	test('is not looked for when no turn goes on, or the client says nothing', () => {
		vi.useFakeTimers({now: 0});
		let looks = 0;
		const status = (): null => {
			looks += 1;
			return null;
		};
		const turn = new Turn({status, isOpen: () => true, onEnd: () => expect.unreachable(), every: 1000});
		vi.advanceTimersByTime(3000);
		expect(looks).toBe(0);
		turn.follow(true);
		turn.follow(true);
		vi.advanceTimersByTime(3000);
		expect(looks).toBe(3);
		turn.follow(false);
		vi.advanceTimersByTime(3000);
		expect(looks).toBe(3);
	});
});
