import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {createClient} from '@supabase/supabase-js';
import {expect, it, onTestFinished} from 'vitest';
import {findHub, runHub} from '../../source/hub/index.ts';
import {wasStopped} from '../../source/hub/process/ensure.ts';
import {temporaryHome} from '../helpers/hub.ts';

it('serves supabase-js to a program that imports nothing but the hub', async () => {
	const home = temporaryHome();
	onTestFinished(() => rmSync(home, {recursive: true, force: true}));
	const paths = {data: join(home, 'data'), state: join(home, 'state'), logs: join(home, 'logs')};
	const fail = (error: Error): never => {
		throw error;
	};
	const hub = await runHub(paths, {port: 0, log: () => undefined, onLost: fail, onDisplaced: fail});
	onTestFinished(() => hub.close());
	const found = await findHub(paths);
	expect(found?.url).toBe(hub.url);
	const client = createClient(hub.url, found?.service_role_key ?? '');
	const {data, error} = await client.from('messages').insert({content: '[CLAUDE_1] hello'}).select('tag, body');
	expect({data, error}).toEqual({data: [{tag: 'CLAUDE_1', body: 'hello'}], error: null});
});

it.each([false, true])('counts as stopped after it was closed, unless its database has died (%j)', async isLost => {
	const home = temporaryHome();
	onTestFinished(() => rmSync(home, {recursive: true, force: true}));
	const paths = {data: join(home, 'data'), state: join(home, 'state'), logs: join(home, 'logs')};
	const ignore = (): void => undefined;
	const hub = await runHub(paths, {port: 0, log: ignore, onLost: ignore, onDisplaced: ignore});
	await hub.close({isLost});
	expect(wasStopped(paths)).toBe(!isLost);
	expect(await findHub(paths)).toBeNull();
});
