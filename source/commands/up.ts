import {execFile, spawn} from 'node:child_process';
import {promisify} from 'node:util';
import {claude, clients, type Client} from '../join/clients/clients.ts';
import {launcherFiles} from '../join/launchers.ts';
import {MailboxError, UsageError} from '../mailbox/error.ts';
import {findPaths} from '../paths.ts';
import {joinPrintable, p, printable, type Printable} from '../printable.ts';
import type {Command, Invocation} from './cli/command.ts';
import {calledAnywhere, shellWord} from './cli/launcher.ts';
import {write} from './cli/output.ts';
import {textFlag} from './cli/values.ts';
import {chosenParticipants, participantFlags, type Chosen} from './join/participants.ts';

const command: Command = {
	summary: 'open all agents of a recipe, and the screen, in tmux',
	help: `
		Set up a recipe, and open its agents and the screen in tmux, each in its own window: in a new session, or in the current
		one when this runs inside tmux. Without tmux, print the commands to start them in terminals of your own.

		Usage
		  agentmux up --recipe NAME [--client CLIENT] [--dir DIR]... [--count N] [--tags A,B]
		              [--no-sql] [--print]

		  --recipe, --client, --dir, --count, --tags, --no-sql, --yes   as for join
		  --print                                                       print the commands, and set up and start nothing

		\`agentmux leave --recipe NAME --dir DIR\` undoes what was set up.

		Examples
		  agentmux up --recipe planner-executor --dir ~/agents
		  agentmux up --recipe researcher-writer --dir ~/agents --print
	`,
	flags: {
		...participantFlags,
		client: {type: 'string'},
		print: {type: 'boolean'},
		sql: {type: 'boolean'},
		yes: {type: 'boolean', shortFlag: 'y'},
	},
	async run(invocation) {
		const {flags, env, stdout} = invocation;
		if (textFlag(flags, 'recipe') === undefined) {
			throw new UsageError('No recipe given.', 'For one agent, use `agentmux run TAG`. See `agentmux up --help`.');
		}
		const chosen = await chosenParticipants('up', invocation);
		const client = clientOf(textFlag(flags, 'client') ?? claude.id);
		const isPrinted = flags['print'] === true || !(await hasTmux(env)) || !stdout.isTTY;
		if (flags['print'] !== true) {
			const {joinAgents} = await import('./join/join-agents.ts');
			const sql = typeof flags['sql'] === 'boolean' ? flags['sql'] : undefined;
			await joinAgents({...invocation, stdout: invocation.stderr}, chosen, {
				command: 'up',
				clients: [client],
				sql,
				yes: flags['yes'] === true,
			});
		}
		if (isPrinted) return write(stdout, printed(chosen, client, calledAnywhere(env, findPaths(env))));
		return open(invocation, chosen, client);
	},
};

export default command;

/** Unlike join, one client: two in one folder would share a window. */
function clientOf(word: string): Client {
	const found = clients.find(({id}) => id === word);
	if (found !== undefined) return found;
	throw new UsageError(`Unknown client \`${word}\`.`, `Choose one of ${clients.map(({id}) => id).join(', ')}.`);
}

/** The client that the recipe names, or the chosen one. */
function played({client}: Chosen['participants'][number], chosen: Client): Client {
	return clients.find(({id}) => id === client) ?? chosen;
}

const run = promisify(execFile);

async function hasTmux(env: NodeJS.ProcessEnv): Promise<boolean> {
	return run('tmux', ['-V'], {env}).then(
		() => true,
		() => false,
	);
}

function printed({participants}: Chosen, client: Client, program: string): Printable {
	const lines = participants.map(participant =>
		printable(
			`  cd ${shellWord(participant.folder)} && AGENTMUX_TAG=${participant.tag} ${played(participant, client).program}`,
		),
	);
	return joinPrintable([p`Start each in its own terminal:`, ...lines, p`  ${printable(program)}`, p``], '\n');
}

/** Opens the windows, and shows the session unless this terminal shows it already. */
async function open({env}: Invocation, {recipe, participants}: Chosen, client: Client): Promise<void> {
	// When the program ends, a shell stays: what it printed last can be read, and it can be started again. Not left to tmux's own shell,
	// which may be one with another syntax.
	const stay = (line: string): string[] => ['/bin/sh', '-c', `${line}; exec "\${SHELL:-/bin/sh}"`];
	const windows = [
		...participants.map(participant => ({
			name: participant.tag,
			folder: participant.folder,
			line: stay(`AGENTMUX_TAG=${participant.tag} ${played(participant, client).program}`),
		})),
		{
			name: 'agentmux',
			folder: participants[0]?.folder ?? '.',
			line: stay(shellWord(launcherFiles(findPaths(env).data).program)),
		},
	];
	const tmux = (...words: string[]): Promise<{readonly stdout: string}> =>
		run('tmux', words, {env}).catch((error: unknown) => {
			const {stderr = ''} = error as {readonly stderr?: string};
			throw new MailboxError('internal', `tmux refused: ${stderr.trim()}.`, 'Use --print, and start them yourself.', {
				cause: error,
			});
		});
	const isInside = (env['TMUX'] ?? '') !== '';
	// A name of tmux's has neither of these: it would read what follows as a window or a pane.
	const session = `agentmux-${recipe?.name ?? 'agents'}`.replaceAll(/[.:]/g, '_');
	const target = isInside ? [] : ['-t', `=${session}:`];
	const isOpen =
		isInside ||
		(await run('tmux', ['has-session', '-t', `=${session}`], {env}).then(
			() => true,
			() => false,
		));
	// Where this was done before, only what is missing: a second client would share the first one's inbox.
	const open = isOpen ? (await tmux('list-windows', ...target, '-F', '#{window_name}')).stdout.split('\n') : [];
	for (const [index, {name, folder, line}] of windows.entries()) {
		const begin = isOpen || index > 0 ? ['new-window', ...target] : ['new-session', '-d', '-s', session];
		if (!open.includes(name)) await tmux(...begin, '-n', name, '-c', folder, ...line);
	}
	if (!isInside) await attach(session, env);
}

async function attach(session: string, env: NodeJS.ProcessEnv): Promise<void> {
	const child = spawn('tmux', ['attach-session', '-t', `=${session}`], {env, stdio: 'inherit'});
	await new Promise((done, fail) => child.once('error', fail).once('exit', done));
}
