import {execFile} from 'node:child_process';
import type {Client} from '../../join/clients/clients.ts';
import {isOlder} from '../cli/launcher.ts';

/** Milliseconds for a client to print its version. */
const timeout = 10_000;

/**
 * A sentence for each installed client whose version is another than the one that was tried with this agentmux. It works on: clients
 * change their hooks seldom. A client that is not installed, or does not say its version, is not mentioned.
 */
export async function unknownVersions(clients: readonly Client[], env: NodeJS.ProcessEnv): Promise<string[]> {
	const found = await Promise.all(clients.map(async client => ({client, version: await versionOf(client, env)})));
	return found.flatMap(({client: {name, tried}, version}) => {
		if (version === null || version === tried) return [];
		const age = isOlder(version, tried) ? 'older' : 'newer';
		return [`${name} ${version} is ${age} than the version that agentmux was tried with (${tried}).`];
	});
}

/** Like `2.1.330`; null if it is not installed or prints no version. */
function versionOf({program}: Client, env: NodeJS.ProcessEnv): Promise<string | null> {
	return new Promise(done => {
		execFile(program, ['--version'], {env, timeout, maxBuffer: 64 * 1024}, (error, stdout) => {
			done(error === null ? (/\d+\.\d+\.\d+/.exec(stdout)?.[0] ?? null) : null);
		}).on('error', () => done(null));
	});
}
