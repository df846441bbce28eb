import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {AtWork} from '../../source/commands/serve/at-work.ts';
import {SessionFile} from '../../source/join/hook/hook-session.ts';

let home: string;
let now: number;
let parent: number;

beforeEach(() => {
	home = mkdtempSync(join(tmpdir(), 'agentmux-work-'));
	mkdirSync(join(home, '.claude/sessions'), {recursive: true});
	now = 0;
	parent = 4000;
});
afterEach(() => rmSync(home, {recursive: true, force: true}));

const client = 'host:46.sock';
const start = (env = {}, key: string | null = client): AtWork =>
	new AtWork({
		env: {HOME: home, ...env},
		tag: 'A',
		state: home,
		client: key,
		parent: () => parent,
		now: () => now,
	});
const hook = (id = client): SessionFile => new SessionFile(join(home, 'hooks'), id);

describe('a client that keeps a file about itself', () => {
	const env = {CLAUDE_CODE_MESSAGING_SOCKET: '/tmp/cc-socks/46.sock'};
	const report = (content: object): void =>
		writeFileSync(
			join(home, '.claude/sessions/46.json'),
			JSON.stringify({messagingSocketPath: '/tmp/cc-socks/46.sock', statusUpdatedAt: 1, ...content}),
		);

	test.each([
		['busy', true],
		['waiting', true],
		['idle', false],
	])('is at work if it says %s: %s, whatever its hooks and calls say', (status, expected) => {
		report({status, pid: process.pid});
		const work = start(env);
		hook().change({working: !expected});
		if (!expected) work.onCall();
		expect(work.isAtWork()).toBe(expected);
	});

	test('is not once the process that wrote it is gone', () => {
		report({status: 'busy', pid: 2 ** 22 + 1});
		expect(start(env).isAtWork()).toBe(false);
	});
});

describe('another client', () => {
	test('is at work while its hooks report a turn, or that it waits for its user', () => {
		const work = start();
		expect(work.isAtWork()).toBe(false);
		hook().change({working: true});
		expect(work.isAtWork()).toBe(true);
		hook().change({working: false});
		expect(work.isAtWork()).toBe(false);
		hook().change({blocked: ['main']});
		expect(work.isAtWork()).toBe(true);
	});

	test('is so for half an hour after it called a tool', () => {
		const work = start();
		now = 5_000_000;
		work.onCall();
		expect(work.isAtWork()).toBe(true);
		now += 29 * 60_000;
		expect(work.isAtWork()).toBe(true);
		now += 2 * 60_000;
		expect(work.isAtWork()).toBe(false);
	});

	test('is found by its process if it does not name itself', () => {
		const work = start({}, null);
		expect(work.isAtWork()).toBe(false);
		hook('7').change({
			working: true,
			owner: {tag: 'A', session: '7', interactive: true, client: null, above: [12, parent]},
		});
		expect(work.isAtWork()).toBe(true);
	});

	test('is not once the process above the server is another one', () => {
		const work = start();
		work.onCall();
		parent = 1;
		expect(work.isAtWork()).toBe(false);
	});
});
