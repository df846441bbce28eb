import {HubError} from '../hub/files/error.ts';
import {checkHome} from '../hub/home/check.ts';
import {checkConfig} from '../hub/home/config.ts';
import {MailboxError, UsageError} from '../mailbox/error.ts';
import {findPaths, type Paths} from '../paths.ts';
import {joinPrintable, p, printable, printableLines, type Printable, writeTo} from '../printable.ts';
import {asTyped} from './cli/called.ts';
import type {Command} from './cli/command.ts';
import {isTerminal} from './cli/is-terminal.ts';
import {refreshLaunchers} from './cli/launcher.ts';
import {nearest} from '../mailbox/text/nearest.ts';
import {parseArguments} from './cli/parse.ts';

type Load = () => Promise<{default: Command}>;

/** Every command by name, in the groups of `agentmux --help`; each is loaded when it is called. */
const groups: {readonly [title: string]: {readonly [name: string]: Load}} = {
	Messages: {
		send: () => import('./send.ts'),
		tail: () => import('./tail.ts'),
		inbox: () => import('./inbox.ts'),
		search: () => import('./search.ts'),
		thread: () => import('./thread.ts'),
		redact: () => import('./redact.ts'),
		verify: () => import('./verify.ts'),
		timeline: () => import('./timeline.ts'),
	},
	'Agents and tasks': {
		join: () => import('./join.ts'),
		leave: () => import('./leave.ts'),
		run: () => import('./run.ts'),
		up: () => import('./up.ts'),
		agents: () => import('./agents.ts'),
		focus: () => import('./steer/focus.ts'),
		pause: () => import('./steer/pause.ts'),
		resume: () => import('./steer/resume.ts'),
		keys: () => import('./keys.ts'),
		tasks: () => import('./tasks.ts'),
		peek: () => import('./sight/peek.ts'),
		stop: () => import('./sight/stop.ts'),
		approvals: () => import('./approvals/approvals.ts'),
		scheduled: () => import('./scheduled/scheduled.ts'),
		mcp: () => import('./mcp.ts'),
		hook: () => import('./hook.ts'),
		plugin: () => import('./plugin.ts'),
		statusline: () => import('./statusline.ts'),
	},
	'This machine': {
		hub: () => import('./hub.ts'),
		sql: () => import('./sql.ts'),
		watch: () => import('./watch.ts'),
		config: () => import('./config.ts'),
	},
};

/** `agentmux` without a command. */
const first: Load = async () => {
	const {tui} = await import('./tui.tsx');
	return {default: tui(manuals)};
};

/** Runs one command line and resolves with the exit code: 0, 1 for a failure, 2 for wrong usage. */
export async function main(argv: readonly string[]): Promise<number> {
	process.stdout.on('error', endQuietly);
	process.on('uncaughtException', error => {
		report(error);
		process.exit(1);
	});
	try {
		return (await dispatch(argv)) ?? 0;
	} catch (error) {
		report(error);
		return error instanceof UsageError ? 2 : 1;
	}
}

async function dispatch(argv: readonly string[]): Promise<number | void> {
	const [word = ''] = argv;
	if (word === '--version' || word === '-v') {
		const {version} = await import('../hub/files/version.ts');
		writeTo(process.stdout, p`${printable(version)}\n`);
		return;
	}
	if (word === '--help' || word === '-h' || word === 'help') {
		await help(argv[1] ?? '');
		return;
	}
	const load = find(word);
	if (load === null) throw unknownCommand(word);
	const name = isName(word) ? word : '';
	const {default: command} = await load();
	const {input, flags} = await parseArguments(name, command.flags, name === '' ? argv : argv.slice(1));
	const {env, stdout} = process;
	if (flags['help'] === true) {
		writeHelp(command);
		return;
	}
	const paths = findPaths(env);
	checkOwn(paths, command.goesOn?.(input) === true);
	// Clients start the newest agentmux that was started here.
	refreshLaunchers(paths);
	return command.run({
		input,
		flags,
		env,
		stdout,
		// Node makes these streams when they are first named, and loads up to thirty modules for that.
		get stdin() {
			return process.stdin;
		},
		get stderr() {
			return process.stderr;
		},
		get isTerminal() {
			return isTerminal(2) || isTerminal(0);
		},
	});
}

/**
 * Checks the home first, so that no key is read that somebody else may have put there. Throws MailboxError. `goesOn`: only
 * reports a path that is not an ordinary file.
 */
function checkOwn(paths: Paths, goesOn: boolean): void {
	try {
		const say = ({sentence}: {readonly sentence: string}): void =>
			writeTo(process.stderr, p`agentmux: ${printable(sentence)}\n`);
		for (const sentence of [...checkHome(paths, goesOn ? say : undefined), checkConfig(paths.config) ?? []].flat())
			writeTo(process.stderr, p`agentmux: ${printable(sentence)}\n`);
	} catch (error) {
		if (!(error instanceof HubError)) throw error;
		throw new MailboxError('file', error.message, error.remedy, {cause: error});
	}
}

/** The command; the screen if there are only flags or nothing. Null if it is unknown. */
function find(word: string): Load | null {
	if (!isName(word)) return first;
	return Object.values(groups).find(group => Object.hasOwn(group, word))?.[word] ?? null;
}

function isName(word: string): boolean {
	return word !== '' && !word.startsWith('-');
}

function unknownCommand(word: string): UsageError {
	if (!isName(word)) return new UsageError('No command given.', 'See `agentmux --help`.');
	const near = nearest(word, Object.values(groups).flatMap(Object.keys));
	return new UsageError(
		`Unknown command \`${word}\`.`,
		near === null ? 'See `agentmux --help`.' : `Did you mean \`agentmux ${near}\`? See \`agentmux --help\`.`,
	);
}

async function help(name: string): Promise<void> {
	if (name !== '') {
		const load = find(name);
		if (load === null) throw unknownCommand(name);
		writeHelp((await load()).default);
		return;
	}
	const {overview} = await import('./cli/overview.ts');
	writeTo(process.stdout, await overview(groups));
}

function writeHelp(command: Command): void {
	writeTo(process.stdout, p`${helpText(command)}\n`);
}

/** Every command with its summary and the lines of its --help. */
async function manuals(): Promise<Array<{name: string; summary: string; help: string[]}>> {
	const loads = Object.values(groups).flatMap(group => Object.entries(group));
	return Promise.all(
		loads.map(async ([name, load]) => {
			const {default: command} = await load();
			return {name, summary: command.summary, help: helpText(command).split('\n')};
		}),
	);
}

function helpText({help}: Command): Printable {
	return joinPrintable(printableLines(help.replaceAll(/^\n+|\n+\t*$/g, '').replaceAll(/^\t+/gm, '')), '\n');
}

/** A reader that closes its end early (`agentmux tail | head`) is not a failure. */
function endQuietly(error: NodeJS.ErrnoException): void {
	if (error.code === 'EPIPE') process.exit(0);
	throw error;
}

function report(error: unknown): void {
	const sentence =
		error instanceof MailboxError
			? error.sentence
			: `Internal error: ${error instanceof Error ? error.message : String(error)} ` +
				'(set AGENTMUX_DEBUG=1 for a stack trace).';
	writeTo(process.stderr, p`agentmux: ${printable(asTyped(sentence))}\n`);
	if ((process.env['AGENTMUX_DEBUG'] ?? '') !== '') writeTo(process.stderr, p`${traceOf(error)}\n`);
}

function traceOf(error: unknown): Printable {
	if (!(error instanceof Error)) return p``;
	const trace = joinPrintable(printableLines(error.stack ?? ''), '\n');
	return error.cause instanceof Error ? p`${trace}\n  caused by ${traceOf(error.cause)}` : trace;
}
