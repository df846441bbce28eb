import {mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {Home} from '../helpers/program.ts';

let home: Home;
beforeEach(async () => {
	home = await Home.make();
});
afterEach(() => home.dispose());

describe('a folder instead of hub.json', () => {
	test('is named by every command that needs the hub, without a delay', async () => {
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

describe('history.json that agentmux did not write', () => {
	test('is kept before heads are written there, and said by the log, `hub status` and `verify`', async () => {
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

	test('the hub that seals says it in its log', async () => {
		const data = join(home.path, 'data');
		await home.output(['send', 'first']);
		writeFileSync(join(data, 'history.json'), '{"heads": [{"mine": 1}]}', {mode: 0o600});
		// The last seal is made at the end.
		await home.output(['hub', 'stop']);
		const log = readFileSync(join(home.path, 'logs', 'hub.log'), 'utf8');
		expect(log.match(/history\.json held something that agentmux did not write/g)).toHaveLength(1);
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
