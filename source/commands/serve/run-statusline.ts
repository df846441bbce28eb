import {readStdin} from '../../join/hook/hook-stdin.ts';
import {tagOfHook} from '../../join/joined-folder.ts';
import {markStatusShown, readStatus, statusText} from '../../join/status-file.ts';
import {findPaths} from '../../paths.ts';
import {p, printable, writeTo} from '../../printable.ts';
import {agentEnv} from '../connect/agent-env.ts';

/**
 * Prints the line of `agentmux statusline` and exits. A client runs it at each change of its screen, so it imports little, asks nobody,
 * and prints nothing where no agent has joined or anything fails.
 */
const {env} = process;

async function run(): Promise<void> {
	const paths = findPaths(env);
	const {data, state} = paths;
	const own = await agentEnv(env, paths);
	const tag = tagOfHook(data, [], {env: own, folder: (await projectFolder()) ?? process.cwd(), client: 'claude'});
	if (tag === null) return;
	writeTo(process.stdout, p`${printable(statusText(tag, readStatus(state, tag), Date.now()))}\n`);
	markStatusShown(state, tag);
}

/** The folder in which the client was started, by what it writes to stdin; null in a terminal, and for another program. */
async function projectFolder(): Promise<string | null> {
	try {
		const {workspace, cwd} = JSON.parse(await readStdin()) as {
			readonly workspace?: {readonly project_dir?: unknown};
			readonly cwd?: unknown;
		};
		const folder = workspace?.project_dir ?? cwd;
		return typeof folder === 'string' ? folder : null;
	} catch {
		return null;
	}
}

const end = (): void => process.exit();
process.stdout.on('error', end);
run().then(end, end);
