import {access, constants, realpath} from 'node:fs/promises';
import {delimiter, join, resolve} from 'node:path';
import {packageRoot} from '../../hub/files/package-root.ts';
import type {Launcher} from '../../join/clients/entries.ts';

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

/**
 * How a shell starts the hook, but for its own words. Always by its path: it runs at every step of an agent, and the way
 * through `agentmux hook` would take a third longer.
 */
export function findHook(env: NodeJS.ProcessEnv): string {
	const home = env['AGENTMUX_HOME']?.trim() ?? '';
	const words = [process.execPath, join(packageRoot, 'dist', 'hook.cjs')].map(shellWord);
	return [...(home === '' ? [] : [`AGENTMUX_HOME=${shellWord(resolve(home))}`]), ...words].join(' ');
}

/** As a shell takes it for one word. */
export function shellWord(text: string): string {
	return /^[\w@%+=:,./~-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** How a person calls this very program again from the same terminal. */
export function calledAs(env: NodeJS.ProcessEnv): string {
	// Set by npm, for `npm start` and npx alike: what they put on the PATH is gone with them.
	return env['npm_config_user_agent'] === undefined ? 'agentmux' : 'npx agentmux';
}

/**
 * Whether a terminal that is opened later starts this program by its name: npm puts a script of its own on the PATH of
 * `npm start` and npx, and the Node that is found there must be this one, since an older one only says that it is too old.
 */
async function isOnPath(program: string, env: NodeJS.ProcessEnv): Promise<boolean> {
	// On Windows it is a .cmd, which clients do not start without a shell.
	if (process.platform === 'win32') return false;
	const folders = (env['PATH'] ?? '')
		.split(delimiter)
		.filter(folder => folder !== '' && !folder.includes('node_modules'));
	const [found, node] = await Promise.all([firstIn(folders, 'agentmux'), firstIn(folders, 'node')]);
	return found === program && node === (await realpath(process.execPath));
}

/** What a shell would start; null when there is nothing of that name. */
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
