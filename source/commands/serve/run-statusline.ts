import {readStdin} from '../../join/hook/hook-stdin.ts';
import {tagOfHook} from '../../join/joined-folder.ts';
import {keepStatusLine, readStatusLineInput} from '../../join/sight/status-line.ts';
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
	const input = await readInput();
	const tag = tagOfHook(data, [], {env: own, folder: folderIn(input) ?? process.cwd(), client: 'claude'});
	if (tag === null) return;
	writeTo(process.stdout, p`${printable(statusText(tag, readStatus(state, tag), Date.now()))}\n`);
	markStatusShown(state, tag);
	const kept = readStatusLineInput(input);
	if (kept !== null) keepStatusLine(state, tag, kept);
}

/** What the client writes to stdin; null in a terminal, and for another program. */
async function readInput(): Promise<unknown> {
	try {
		return JSON.parse(await readStdin()) as unknown;
	} catch {
		return null;
	}
}

/** The folder in which the client was started; null if it does not say. */
function folderIn(input: unknown): string | null {
	const {workspace, cwd} = (input ?? {}) as {
		readonly workspace?: {readonly project_dir?: unknown} | null;
		readonly cwd?: unknown;
	};
	const folder = workspace?.project_dir ?? cwd;
	return typeof folder === 'string' ? folder : null;
}

const end = (): void => process.exit();
process.stdout.on('error', end);
run().then(end, end);
