import {once} from 'node:events';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, beforeAll, describe, expect, it, vi} from 'vitest';
import {claimClient} from '../../source/join/clients/client-owner.ts';
import {Home} from '../helpers/program.ts';

let home: Home;

beforeAll(async () => {
	home = await Home.make({empty: true});
});
afterAll(() => home.dispose());

describe('agentmux hub', () => {
	it('says that none is running, starts one with progress, prints its address, and stops it', async () => {
		const before = await home.run(['hub', 'status']);
		expect(before).toMatchObject({code: 1, stdout: ''});
		expect(before.stderr).toBe('agentmux: No hub is running. Start it with `agentmux hub start`.\n');

		const started = await home.run(['hub', 'start']);
		expect(started.code).toBe(0);
		expect(started.stderr).toContain('Preparing a new database; this happens once.');
		const url = started.stdout.trim();
		expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);

		const status = await home.run(['hub', 'status', '--json']);
		expect(JSON.parse(status.stdout)).toMatchObject({
			url,
			version: expect.any(String) as unknown,
			engine: 'PGlite',
			database: join(home.path, 'data', 'pg'),
		});
		const {pid} = JSON.parse(status.stdout) as {pid: number};

		const {stdout: variables} = await home.run(['hub', 'status', '-o', 'env']);
		expect(variables).toContain(`API_URL="${url}"\n`);
		const key = /^SERVICE_ROLE_KEY="(.+)"$/m.exec(variables)?.[1] ?? '';
		expect(variables).toMatch(/^ANON_KEY="ey.+"$/m);
		expect(variables).toMatch(/^JWT_SECRET=".+"$/m);
		expect((await fetch(`${url}/rest/v1/messages`, {headers: {apikey: key}})).status).toBe(200);

		const logs = await home.run(['hub', 'logs']);
		expect(logs.stdout).toContain(`is listening at ${url}.`);
		expect(logs.stdout).not.toContain(key);

		expect(await home.run(['hub', 'stop'])).toMatchObject({code: 0, stderr: `Stopped the hub (process ${pid}).\n`});
		expect((await home.run(['hub', 'status'])).code).toBe(1);
		expect(await home.run(['hub', 'stop'])).toMatchObject({code: 0, stderr: 'No hub is running.\n'});
	});

	it('stays stopped while others follow it, says which agents that concerns, and they go on once it is started', async () => {
		await home.output(['send', 'followed']);
		const follower = home.start(['tail', '--follow']);
		let [seen, said] = ['', ''];
		follower.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
		follower.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
		await vi.waitFor(() => expect(seen).toContain('followed'), {timeout: 30_000});
		const own = {CLAUDE_CODE_SESSION_ID: 'waits', CLAUDE_CODE_ENTRYPOINT: 'cli', CLAUDE_PID: String(process.pid)};
		const claim = claimClient(join(home.path, 'state'), own, 'WAITING');
		const {stderr} = await home.run(['hub', 'stop']);
		claim.release();
		expect(stderr).toMatch(
			/^Stopped the hub \(process \d+\)\.\nagentmux: WAITING will get no mail until it runs again: the next command or client starts it\.\n$/,
		);
		await vi.waitFor(() => expect(said).toContain('Offline'), {timeout: 30_000});
		// Enough for some attempts to connect.
		await sleep(3000);
		expect(existsSync(join(home.path, 'state/hub.json'))).toBe(false);
		await home.output(['hub', 'start']);
		await vi.waitFor(() => expect(said).toContain('Back online'), {timeout: 60_000});
		follower.kill();
		await once(follower, 'close');
	});

	it('lists its subcommands when it is given an unknown one', async () => {
		for (const words of [
			['hub', 'strat'],
			['hub', 'start', 'now'],
			['hub', 'run', '--port', '70000'],
			['hub', 'status', '-o', 'xml'],
		]) {
			const {code, stderr} = await home.run(words);
			expect([words, code]).toEqual([words, 2]);
			expect(stderr.trim().split('\n')).toHaveLength(1);
		}
	});

	it('has help with an example', async () => {
		const {code, stdout} = await home.run(['hub', '--help']);
		expect(code).toBe(0);
		expect(stdout).toContain('Example:');
	});
});
