import {execFileSync} from 'node:child_process';
import {once} from 'node:events';
import {mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {createServer, type Server} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {lockHolder, takeLock} from '../../source/hub/files/lock.ts';
import {readJsonFile} from '../../source/hub/files/private-file.ts';
import {readCredentials} from '../../source/join/files/credentials-file.ts';
import {Home} from '../helpers/program.ts';

let home: Home;
beforeEach(async () => {
	home = await Home.make();
});
afterEach(() => home.dispose());

describe('a folder instead of hub.json', () => {
	test('is reported by every command that needs the hub, without delay', async () => {
		const path = join(home.path, 'state', 'hub.json');
		mkdirSync(path, {recursive: true, mode: 0o700});
		const said = `agentmux: The hub cannot publish its address: ${path} is a folder. Move it away, and try again.\n`;
		for (const args of [['hub', 'start'], ['hub', 'status'], ['tail']]) {
			const began = performance.now();
			expect([args, await home.run(args)]).toEqual([args, {code: 1, stdout: '', stderr: said}]);
			expect(performance.now() - began).toBeLessThan(20_000);
		}
		rmSync(path, {recursive: true});
		expect((await home.run(['hub', 'start'])).code).toBe(0);
	});
});

/** What may stand in the place of a file, and is none. */
const kinds: Readonly<Record<string, (path: string) => Promise<Server | null>>> = {
	async pipe(path) {
		execFileSync('mkfifo', ['-m', '600', path]);
		return null;
	},
	async socket(path) {
		const server = createServer().listen(path);
		await once(server, 'listening');
		return server;
	},
	async folder(path) {
		mkdirSync(path, {mode: 0o700});
		return null;
	},
};

describe.each(Object.keys(kinds))('a %s in the place of a file of the home', kind => {
	test('is neither read nor waited for', async () => {
		const data = mkdtempSync(join(tmpdir(), 'agentmux-kind-'));
		mkdirSync(join(data, 'agents'));
		const path = join(data, 'agents', 'A.json');
		const server = await kinds[kind]?.(path);
		try {
			expect(() => readJsonFile(path)).toThrow(/^Cannot read .*: it is (not an ordinary file|a folder, not a file)/);
			expect(() => readCredentials(data, 'A')).toThrow(`${path} cannot be read`);
			expect(lockHolder(path)).toBeNull();
			await expect(takeLock(path)).rejects.toThrow(
				/cannot be taken: it is (not an ordinary file|a folder, not a file)/,
			);
		} finally {
			server?.close();
			rmSync(data, {recursive: true});
		}
	});

	test('is reported by `hub status` and `hub stop`, which work, and by `hub start`', async () => {
		await home.output(['hub', 'start']);
		// Those that a running hub does not write again at once.
		const files = [
			'state/newest.json',
			'state/start.lock',
			'data/history.json',
			'data/ended-tokens.json',
			'data/agents/CLAUDE_1.json',
		].map(name => join(home.path, name));
		mkdirSync(join(home.path, 'data', 'agents'), {recursive: true, mode: 0o700});
		const servers: (Server | null)[] = [];
		for (const path of files) {
			rmSync(path, {force: true});
			servers.push((await kinds[kind]?.(path)) ?? null);
		}
		const status = await home.run(['hub', 'status']);
		expect(status).toMatchObject({code: 0, stdout: expect.stringContaining('engine') as string});
		const stopped = await home.run(['hub', 'stop']);
		expect(stopped).toMatchObject({code: 0, stderr: expect.stringContaining('Stopped the hub') as string});
		const {code, stderr} = await home.run(['hub', 'start']);
		expect({code, stderr}).toEqual({
			code: 1,
			stderr: expect.stringMatching(/^agentmux: .*\/(state|data|logs)\//) as string,
		});
		for (const server of servers) server?.close();
	});
});

describe('history.json that agentmux did not write', () => {
	test('is kept before heads are written there, and reported by the log, `hub status` and `verify`', async () => {
		const data = join(home.path, 'data');
		const file = join(data, 'history.json');
		await home.output(['send', 'first']);
		await home.output(['verify']);
		await home.output(['hub', 'stop']);
		expect(readFileSync(file, 'utf8')).toContain('"heads"');
		writeFileSync(file, '{"mine": [1, 2, 3]}', {mode: 0o600});
		await home.output(['send', 'second']);
		await home.output(['verify']);
		const copies = readdirSync(data).filter(name => name.startsWith('history-kept-'));
		expect(copies).toHaveLength(1);
		const copy = join(data, copies[0] ?? '');
		expect(JSON.parse(readFileSync(copy, 'utf8'))).toEqual({mine: [1, 2, 3]});
		const sentence = `history.json contained something that agentmux did not write; it was kept as ${copy}.`;
		expect((await home.run(['verify'])).stderr).toContain(sentence);
		expect(await home.output(['hub', 'status'])).toContain(sentence);
		expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({heads: [{seq: expect.any(Number) as unknown}]});
		// Once it has been moved away, there is no message.
		rmSync(copy);
		expect((await home.run(['verify'])).stderr).toBe('');
	});

	test('the hub that seals reports it in its log', async () => {
		const data = join(home.path, 'data');
		await home.output(['send', 'first']);
		writeFileSync(join(data, 'history.json'), '{"heads": [{"mine": 1}]}', {mode: 0o600});
		// The last seal is made at the end.
		await home.output(['hub', 'stop']);
		const log = readFileSync(join(home.path, 'logs', 'hub.log'), 'utf8');
		expect(log.match(/history\.json contained something that agentmux did not write/g)).toHaveLength(1);
	});
});

test('a home whose path is too long for a lock is refused for that', async () => {
	const root = mkdtempSync(join(tmpdir(), 'agentmux-long-'));
	try {
		const path = join(root, ...Array.from({length: 14}, () => 'a'.repeat(200)));
		for (const args of [
			['hub', 'start'],
			['send', 'hello'],
		]) {
			const {code, stderr} = await home.run(args, {env: {AGENTMUX_HOME: path}});
			expect([args, code, stderr.replace(path, 'HOME')]).toEqual([
				args,
				1,
				'agentmux: The lock HOME/state/start.lock cannot be taken: its path is too long. Choose a shorter one with AGENTMUX_HOME.\n',
			]);
		}
	} finally {
		rmSync(root, {recursive: true, force: true});
	}
});
