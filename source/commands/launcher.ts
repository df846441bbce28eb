import {access, constants, realpath} from 'node:fs/promises';
import {delimiter, join, resolve} from 'node:path';
import type {Launcher} from '../join/entries.ts';

/**
 * How this very program is started from anywhere. Installed globally it is `agentmux`; from a checkout or npx nothing is
 * on the PATH, and it is this Node with this file. AGENTMUX_HOME goes along: the client may be started elsewhere.
 */
export async function findLauncher(env: NodeJS.ProcessEnv): Promise<Launcher> {
	const program = await realpath(process.argv[1] ?? '');
	const home = env['AGENTMUX_HOME']?.trim() ?? '';
	const carried = home === '' ? {} : {env: {AGENTMUX_HOME: resolve(home)}};
	if (await isOnPath(program, env)) return {command: 'agentmux', args: [], ...carried};
	return {command: process.execPath, args: [program], ...carried};
}

/** npm puts a script of its own on the PATH of `npm start` and npx; a terminal that is opened later does not have it. */
async function isOnPath(program: string, env: NodeJS.ProcessEnv): Promise<boolean> {
	// On Windows it is a .cmd, which clients do not start without a shell.
	if (process.platform === 'win32') return false;
	const folders = (env['PATH'] ?? '')
		.split(delimiter)
		.filter(folder => folder !== '' && !folder.includes('node_modules'));
	for (const folder of folders) {
		const candidate = join(folder, 'agentmux');
		const found = await access(candidate, constants.X_OK).then(
			() => realpath(candidate),
			() => null,
		);
		// The first one is what a shell would start.
		if (found !== null) return found === program;
	}
	return false;
}
