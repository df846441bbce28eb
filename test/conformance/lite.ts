import {fork} from 'node:child_process';
import {once} from 'node:events';
import path from 'node:path';
import pg from 'pg';
import {bootstrapSql} from '../../source/hub/schema/bootstrap.ts';
import {startPostgres} from '../helpers/postgres.ts';
import {jwtSecret} from './caller.ts';
import {type Engine} from './engine.ts';
import {fixtureRows, fixtureSchema} from './fixture.ts';
import {installed} from './installed.ts';

/** The version whose differences are known; its size (148 MB) is why it is no dependency. */
const packages = ['@supabase/lite@0.10.0', 'postgres@3.4.9'];

/**
 * Supabase's own server in TypeScript, over a PostgreSQL of its own. It is installed into a folder outside the checkout
 * once; rejects when that cannot be done.
 */
export async function startLite(): Promise<Engine> {
	const folder = await installed(packages);
	const server = await startPostgres();
	const client = new pg.Client({connectionString: server.connectionString});
	await client.connect();
	for (const sql of [bootstrapSql, fixtureSchema, fixtureRows, 'analyze']) await client.query(sql);
	const child = fork(path.join(import.meta.dirname, 'lite-server.ts'), [], {
		env: {...process.env, DO_NOT_TRACK: '1'},
		// It writes each error that it answers with.
		stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
	});
	child.send({folder, jwtSecret, connectionString: server.connectionString});
	const [said] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [unknown];
	if (typeof said !== 'object' || said === null || !('port' in said)) throw new Error('@supabase/lite did not start.');
	return {
		name: '@supabase/lite',
		url: `http://127.0.0.1:${String(said.port)}`,
		reset: async () => {
			await client.query(fixtureRows);
		},
		close: async () => {
			child.kill('SIGKILL');
			await client.end();
			await server.stop();
		},
	};
}
