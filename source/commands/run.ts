import {spawn} from 'node:child_process';
import {constants as modes} from 'node:fs';
import {constants} from 'node:os';
import {basename, delimiter, join, resolve} from 'node:path';
import {access, realpath, stat} from 'node:fs/promises';
import {clients, claude, type Client} from '../join/clients/clients.ts';
import {joinedPlaces} from '../join/disarmed.ts';
import {readCredentials} from '../join/files/credentials-file.ts';
import {MailboxError, UsageError} from '../mailbox/error.ts';
import {sameTag, type Tag} from '../mailbox/tag.ts';
import {findPaths} from '../paths.ts';
import type {Command, Invocation} from './cli/command.ts';
import {agentTag, textFlag} from './cli/values.ts';

const command: Command = {
	summary: 'join, and start the client, in one command',
	help: `
		Start a client as TAG in a folder. Joins the folder first, if TAG has not joined there. If it is another agent's folder,
		TAG works there beside that agent (with Claude Code; other clients take the folder over).

		Usage
		  agentmux run TAG [--dir DIR] [--client CLIENT] [--role ROLE] [--no-sql]
		               [-- COMMAND [ARGUMENT...]]

		  --dir DIR         the folder (default: the current one)
		  --client CLIENT   claude, codex or gemini, for which to join (default: by COMMAND, else claude)
		  --role ROLE       what this agent does, shown to the others
		  --no-sql          as for join
		  COMMAND           what to start (default: the client); it runs in the folder, with AGENTMUX_TAG set

		Exits with the code of COMMAND. If that cannot be started, nobody joins.

		Examples
		  agentmux run CLAUDE_1 --dir ~/project
		  agentmux run REVIEWER -- codex --model gpt-5
		  agentmux run BATCH -- claude -p "answer your messages"
	`,
	flags: {dir: {type: 'string'}, client: {type: 'string'}, role: {type: 'string'}, sql: {type: 'boolean'}},
	async run(invocation) {
		const {input, flags, env} = invocation;
		const [word, ...given] = input;
		checkIsTag(env, word, given);
		const tag = agentTag(word, 'the tag to run as');
		const folder = await realFolder(textFlag(flags, 'dir') ?? '.');
		const client = clientOf(textFlag(flags, 'client'), given[0]);
		const [program = client.program, ...words] = given;
		await checkStarts(program, folder, env['PATH']);
		await ensureJoined(invocation, tag, folder, client);
		return start(program, words, {cwd: folder, env: {...env, AGENTMUX_TAG: tag}});
	},
};

export default command;

/** Throws UsageError for a command without a tag before it: its program would become an agent of that name. */
function checkIsTag(env: NodeJS.ProcessEnv, word: string | undefined, given: readonly string[]): void {
	const isProgram = clients.some(({program}) => program === word) || given[0]?.startsWith('-') === true;
	if (word === undefined || !isProgram || readCredentials(findPaths(env).data, word) !== null) return;
	throw new UsageError(`\`${word}\` is a program, not a tag.`, 'Name the agent first: `agentmux run TAG -- COMMAND`.');
}

async function realFolder(dir: string): Promise<string> {
	const path = resolve(dir);
	return realpath(path).catch(() => {
		throw new MailboxError('not_found', `There is no folder ${path}.`, 'Create it, or give another with --dir DIR.');
	});
}

/** The client named by the flag, else the one whose program is started. Throws UsageError if it is unknown. */
function clientOf(named: string | undefined, program: string | undefined): Client {
	if (named === undefined) return clients.find(each => each.program === basename(program ?? '')) ?? claude;
	const found = clients.find(({id}) => id === named);
	if (found !== undefined) return found;
	throw new UsageError(`Unknown client \`${named}\`.`, `Choose from ${clients.map(({id}) => id).join(', ')}.`);
}

/** Joins unless that was done, and nothing of it is missing. What join prints goes to stderr: stdout is the client's. */
async function ensureJoined(invocation: Invocation, tag: Tag, folder: string, client: Client): Promise<void> {
	const {flags, env, stderr} = invocation;
	const {data} = findPaths(env);
	const here = joinedPlaces(data).filter(
		place => place.folder === folder && place.files === 'set up' && place.clients.includes(client),
	);
	const own = here.some(place => sameTag(place.tag, tag));
	// Claude Code passes AGENTMUX_TAG on to what it starts: it can work beside the folder's agent, which may be running.
	const beside = client === claude && !own && here.length > 0;
	const isJoined = beside ? readCredentials(data, tag)?.folders.length === 0 : own;
	const sql = typeof flags['sql'] === 'boolean' ? flags['sql'] : undefined;
	const role = textFlag(flags, 'role');
	if (isJoined && sql === undefined && role === undefined) return;
	const {joinAgents} = await import('./join/join-agents.ts');
	const chosen = {recipe: null, participants: [{tag, folder, role}], named: [folder], contains: false};
	await joinAgents({...invocation, stdout: stderr}, chosen, {command: 'run', clients: [client], sql, beside});
}

/**
 * Rejects with MailboxError `not_found` if the program cannot be started in `folder`: nobody is to join for it. It is found as
 * execvp(3) does, except on Windows, where only the start itself tells.
 */
async function checkStarts(program: string, folder: string, path = '/usr/bin:/bin'): Promise<void> {
	if (process.platform === 'win32') return;
	const files = program.includes('/')
		? [resolve(folder, program)]
		: path.split(delimiter).map(each => join(resolve(folder, each), program));
	const failures: NodeJS.ErrnoException[] = [];
	for (const file of files) {
		const failure = await whyNotStarted(file);
		if (failure === null) return;
		failures.push(failure);
	}
	// One that is there and may not be executed says more than all the others.
	throw notStarted(program, failures.find(({code}) => code === 'EACCES') ?? {code: 'ENOENT'});
}

/** Null if the file can be executed. */
async function whyNotStarted(file: string): Promise<NodeJS.ErrnoException | null> {
	try {
		await access(file, modes.X_OK);
		return (await stat(file)).isFile() ? null : Object.assign(new Error('not a file'), {code: 'EACCES'});
	} catch (error) {
		return error as NodeJS.ErrnoException;
	}
}

function notStarted(program: string, {code, message}: Partial<NodeJS.ErrnoException>): MailboxError {
	const known: {readonly [code: string]: readonly [why: string, remedy: string]} = {
		ENOENT: ['there is no such program (ENOENT)', 'Install it, or give its path after --.'],
		EACCES: ['it is not an executable file (EACCES)', 'Make it executable (chmod +x), or give another after --.'],
	};
	const [why, remedy] = known[code ?? ''] ?? [code ?? message, 'Give another program after --.'];
	return new MailboxError('not_found', `\`${program}\` cannot be started: ${why}.`, remedy);
}

/** Runs the client in this terminal, and resolves with its exit code. */
async function start(
	program: string,
	words: readonly string[],
	options: {readonly cwd: string; readonly env: NodeJS.ProcessEnv},
): Promise<number> {
	const child = spawn(program, words, {...options, stdio: 'inherit'});
	// The terminal sends ^C to both; it is for the client to decide what it means.
	process.on('SIGINT', () => undefined);
	for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void child.kill(signal));
	return new Promise((done, fail) => {
		child.once('error', (error: NodeJS.ErrnoException) => fail(notStarted(program, error)));
		child.once('exit', (code, signal) => done(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
	});
}
