import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {afterAll, expect, test} from 'vitest';
import {Probes} from './probes.ts';

const probes = new Probes();
afterAll(() => probes.dispose());

test('a probe finds what a program leaks', async () => {
	const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
		env: {...process.env, ...probes.env, ...probes.leaking(1_000_000)},
		stdio: 'ignore',
	});
	const alive = (): Promise<number[]> => probes.alive(child.pid ?? 0);
	try {
		await expect.poll(alive, {timeout: 30_000, interval: 100}).toHaveLength(1);
		const [before = 0] = await alive();
		await expect.poll(async () => (await alive())[0], {timeout: 30_000, interval: 500}).toBeGreaterThan(before + 2);
	} finally {
		child.kill();
		await once(child, 'exit');
	}
});
