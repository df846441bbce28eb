import {access, constants, realpath} from 'node:fs/promises';
import {delimiter, join, resolve} from 'node:path';
import {packageRoot} from '../../hub/files/package-root.ts';
import type {Launcher} from '../../join/clients/entries.ts';

/**
 * How to start this program from anywhere: `agentmux` if it is installed globally, else this Node with this file, because a
 * checkout or npx leaves nothing on the PATH. AGENTMUX_HOME is passed on, since the client may start in another environment.
 */
export async function findLauncher(env: NodeJS.ProcessEnv): Promise<Launcher> {
	const program = await realpath(process.argv[1] ?? '');
	const home = env['AGENTMUX_HOME']?.trim() ?? '';
	const carried = home === '' ? {} : {env: {AGENTMUX_HOME: resolve(home)}};
	if (await isOnPath(program, env)) return {command: 'agentmux', args: [], ...carried};
	return {command: process.execPath, args: [program], ...carried};
}

/**
 * The shell command that starts the hook, without its arguments. It always uses the path: the hook runs at every step of an
 * agent, and going through `agentmux hook` would take a third longer.
 */
export function findHook(env: NodeJS.ProcessEnv): string {
	const home = env['AGENTMUX_HOME']?.trim() ?? '';
	const words = [process.execPath, join(packageRoot, 'dist', 'hook.cjs')].map(shellWord);
	return [...(home === '' ? [] : [`AGENTMUX_HOME=${shellWord(resolve(home))}`]), ...words].join(' ');
}

/** Quoted so that a shell reads it as one word. */
export function shellWord(text: string): string {
	return /^[\w@%+=:,./~-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** How a person starts this program again from the same terminal. */
export function calledAs(env: NodeJS.ProcessEnv): string {
	// Set by npm, for `npm start` and npx alike. What they add to the PATH is gone when they end.
	return env['npm_config_user_agent'] === undefined ? 'agentmux' : 'npx agentmux';
}

/**
 * Whether a terminal that is opened later finds this program by name. The script that npm puts on the PATH of `npm start` and
 * npx does not count. The Node found there must be this one, since an older one would only report that it is too old.
 */
async function isOnPath(program: string, env: NodeJS.ProcessEnv): Promise<boolean> {
	// On Windows it is a .cmd file, which clients cannot start without a shell.
	if (process.platform === 'win32') return false;
	const folders = (env['PATH'] ?? '')
		.split(delimiter)
		.filter(folder => folder !== '' && !folder.includes('node_modules'));
	const [found, node] = await Promise.all([firstIn(folders, 'agentmux'), firstIn(folders, 'node')]);
	return found === program && node === (await realpath(process.execPath));
}

/** The program that a shell would start; null if there is none of that name. */
async function firstIn(folders: readonly string[], name: string): Promise<string | null> {
	for (const folder of folders) {
		const candidate = join(folder, name);
		const found = await access(candidate, constants.X_OK).then(
			() => realpath(candidate),
			() => null,
		);
		if (found !== null) return found;
	}
	return null;
}
