import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {loadConfig} from '../config.ts';
import {MailboxError, UsageError} from '../mailbox/error.ts';
import {joinPrintable, p, printable, type Printable, writeTo} from '../printable.ts';
import {HubError} from '../hub/files/error.ts';
import {rememberedDatabase} from '../hub/process/database-choice.ts';
import {ensureHub, runningHub, stopHub} from '../hub/process/ensure.ts';
import type {RunningHub} from '../hub/process/find.ts';
import {logFile, openLog} from '../hub/files/log.ts';
import {openTrace} from '../hub/files/trace.ts';
import type {HubPaths} from '../hub/files/paths.ts';
import {fileError} from '../hub/files/private-file.ts';
import {readOwnFile} from '../hub/files/whole-file.ts';
import {keptCopies, keptCopyText} from '../hub/upkeep/heads.ts';
import {embedded} from '../hub/database/postgres-url.ts';
import {recordedClients} from '../join/clients/client-owner.ts';
import type {Command, Invocation} from './cli/command.ts';
import {backup, restore} from './hub/hub-backup.ts';
import {cancel} from './hub/hub-cancel.ts';
import {rotateKeys} from './hub/hub-keys.ts';
import {orStopped, stoppedEarly} from './hub/stopped-early.ts';
import {jsonLine, remark, write, writeJson} from './cli/output.ts';
import {keepHeapSmall} from './screen/small-heap.ts';
import {checkFlags, unknownSubcommand, type FlagsBySubcommand} from './cli/subcommand.ts';
import {textFlag} from './cli/values.ts';

const command: Command = {
	summary: 'start, stop, inspect and back up the local hub',
	help: `
		agentmux hub start             start it, unless it is running
		agentmux hub status [--json]   its address and state; exits 1 if it is not running
		agentmux hub status -o env     API_URL and keys as shell variables, like \`supabase status -o env\`
		agentmux hub stop              stop it, until the next command starts it; open screens and agents wait for that
		agentmux hub logs [--follow]   print its log
		agentmux hub run [--port N]    run it in this terminal until Ctrl-C
		agentmux hub backup FILE       write the mailbox to a new .tar.gz; everyone can keep working
		agentmux hub restore FILE      replace the mailbox with a backup; the old one is kept
		agentmux hub cancel            cancel running statements of the database's owner
		agentmux hub rotate-keys       make new keys: earlier keys and tokens stop working immediately,
		                               and agents on this machine get new tokens

		  --database-url URL   with start (the default with this flag) and run: use a PostgreSQL server,
		                       postgres://USER@HOST/DATABASE, instead of the hub's own database; \`embedded\` goes back to it

		Every other command starts the hub if needed, on the database that it served last. Other users of this machine can read
		the arguments of a program, so put a URL with a password into AGENTMUX_DATABASE_URL or into config.toml (database_url
		under [hub]), or put only the password into PGPASSWORD or PGPASSFILE. The hub keeps its URL in a file of mode 0600.

		\`hub status\` shows statements that have run for a second or longer; \`hub cancel\` ends those of the owner: statements of
		\`agentmux sql\` and of the owner's \`supabase\` MCP server, and requests with the service_role key. These may run for
		AGENTMUX_STATEMENT_TIMEOUT seconds (default 120); statements that build an index, vacuum or alter a table have no limit,
		nor have migrations. An agent's may run for 8 seconds, or 3 while others wait; the owner's queries and a human's
		requests, 4 while others wait.

		Example: eval "$(agentmux hub status -o env)" && curl "$API_URL/rest/v1/messages" -H "apikey: $SERVICE_ROLE_KEY"
	`,
	flags: {
		json: {type: 'boolean'},
		output: {type: 'string', shortFlag: 'o'},
		follow: {type: 'boolean', shortFlag: 'f'},
		port: {type: 'number'},
		databaseUrl: {type: 'string'},
		data: {type: 'string'},
		state: {type: 'string'},
		logs: {type: 'string'},
	},
	// Whoever is to mend the home has to see and to end its hub.
	goesOn: ([action = 'status']) => action === 'status' || action === 'stop',
	async run(invocation) {
		const wanted = textFlag(invocation.flags, 'databaseUrl') === undefined ? 'status' : 'start';
		const [action = wanted, ...rest] = invocation.input;
		const act = Object.hasOwn(actions, action) ? actions[action] : undefined;
		const words = action === 'backup' || action === 'restore' ? 1 : 0;
		if (act !== undefined && rest.length < words)
			throw new UsageError(
				`\`agentmux hub ${action}\` takes a FILE.`,
				`For example: agentmux hub ${action} agentmux.tar.gz`,
			);
		if (act === undefined || rest.length > words) {
			// A database URL that was given without its flag may contain a password.
			const shown = invocation.input.map(word => (word.includes('://') ? '...' : word)).join(' ');
			throw unknownSubcommand('hub', shown, Object.keys(actions));
		}
		checkFlags('hub', action, invocation.flags, flagsOf);
		try {
			const {paths, databaseUrl} = await chosen(invocation);
			await act(paths, invocation, databaseUrl);
		} catch (error) {
			throw error instanceof HubError ? toMailboxError(error) : error;
		}
	},
};
export default command;

/** Flags that only some subcommands accept. */
const flagsOf: FlagsBySubcommand = {
	run: ['port', 'databaseUrl'],
	start: ['databaseUrl'],
	status: ['output'],
	logs: ['follow'],
};

/** `databaseUrl`: a URL, `embedded`, or undefined for the database served last. */
type Action = (paths: HubPaths, invocation: Invocation, databaseUrl: string | undefined) => Promise<void>;

const actions: {readonly [name: string]: Action} = {
	run,
	start,
	stop,
	status,
	logs,
	backup,
	restore,
	cancel,
	'rotate-keys': rotateKeys,
};

/** Whether the hub will serve the embedded database, as far as can be told before it starts. */
function servesEmbedded(paths: HubPaths, databaseUrl: string | undefined): boolean {
	try {
		return (databaseUrl ?? rememberedDatabase(paths)) === embedded;
	} catch {
		// The hub reports it.
		return false;
	}
}

async function run(paths: HubPaths, {flags, stderr, env}: Invocation, databaseUrl: string | undefined): Promise<void> {
	const {port} = flags;
	if (port !== undefined && (!Number.isInteger(port) || Number(port) < 0 || Number(port) > 65_535)) {
		throw new UsageError('--port takes a number from 0 to 65535.');
	}
	const statementTimeout = statementTimeoutIn(env);
	// The database's thread starts while the hub's code is loaded. No other command loads what starts it: threads are eight modules of Node's.
	const thread = servesEmbedded(paths, databaseUrl)
		? (await import('../hub/pglite/database-thread.ts')).startWaitingThread()
		: undefined;
	const {runHub} = await import('../hub/process/run.ts');
	const writeLog = openLog(paths);
	const log = (sentence: string): void => {
		writeLog(sentence);
		if (stderr.isTTY) writeTo(stderr, p`${printable(sentence)}\n`);
	};
	// Keep running when the terminal that started it closes.
	process.on('SIGHUP', () => undefined);
	const ended = Promise.withResolvers<void>();
	const starting = new AbortController();
	const end = (): void => {
		ended.resolve();
		if (!starting.signal.aborted) starting.abort(stoppedEarly());
	};
	process.once('SIGTERM', end).once('SIGINT', end);
	const started = runHub(paths, {
		...(port === undefined ? {} : {port: Number(port)}),
		...(databaseUrl === undefined ? {} : {databaseUrl}),
		...(statementTimeout === undefined ? {} : {statementTimeout}),
		thread,
		signal: starting.signal,
		log,
		trace: openTrace('hub', paths.logs, process.env),
		onLost: error =>
			ended.reject(new HubError(`The hub's database stopped: ${error.message.replace(/\.$/, '')}.`, 'Start it again.')),
		onDisplaced(error) {
			writeTo(stderr, p`agentmux: ${printable(error.sentence)}\n`);
			process.exit(1);
		},
	});
	const hub = await orStopped(started, starting.signal, log);
	if (hub === null) return;
	// By now the thread with the database has grown its own heap.
	keepHeapSmall();
	const {startRinging} = await import('./hub/ring-clients.ts');
	const stopRinging = startRinging({state: paths.state, env, hub, log});
	let isLost = true;
	try {
		await ended.promise;
		isLost = false;
	} finally {
		stopRinging();
		await hub.close({isLost});
	}
}

/** Milliseconds; undefined if not set. Below ten seconds the hub could not set up its own database. */
function statementTimeoutIn(env: NodeJS.ProcessEnv): number | undefined {
	const given = env['AGENTMUX_STATEMENT_TIMEOUT']?.trim() ?? '';
	if (given === '') return undefined;
	const seconds = Number(given);
	if (!(seconds >= 10 && seconds <= 86_400)) {
		throw new UsageError('AGENTMUX_STATEMENT_TIMEOUT takes seconds, from 10 to 86400.');
	}
	return seconds * 1000;
}

async function start(
	paths: HubPaths,
	{flags, stdout, stderr}: Invocation,
	databaseUrl: string | undefined,
): Promise<void> {
	const hub = await ensureHub(paths, {
		databaseUrl,
		onProgress: sentence => writeTo(stderr, p`${printable(sentence)}\n`),
	});
	await write(stdout, flags['json'] === true ? jsonLine(describe(hub, paths)) : p`${printable(hub.url)}\n`);
}

async function stop(paths: HubPaths, {stderr}: Invocation): Promise<void> {
	const pid = await stopHub(paths);
	await write(stderr, pid === null ? p`No hub is running.\n` : p`Stopped the hub (process ${pid}).\n`);
	const served = recordedClients(paths.state).flatMap(({tag, isServed}) => (isServed ? [tag] : []));
	if (pid === null || served.length === 0) return;
	const agents = [...new Set(served)].sort().join(' and ');
	remark(stderr, `${agents} will get no mail until it runs again: the next command or client starts it.`);
}

/** What `hub status` shows if the hub could not create its socket. */
const noSocket = 'none; your programs use TCP after verifying the hub (see `agentmux hub logs`)';

async function status(paths: HubPaths, {flags, stdout}: Invocation): Promise<void> {
	const {output} = flags;
	if (output !== undefined && output !== 'env' && output !== 'json') throw new UsageError('-o takes env or json.');
	const hub = await runningHub(paths);
	if (output === 'env') return write(stdout, asEnvironment(hub));
	const facts = describe(hub, paths);
	const {running, runaways} = hub;
	if (flags['json'] === true || output === 'json') return writeJson(stdout, {...facts, running, runaways});
	// Short statements are not worth a line.
	const long = running.filter(activity => activity.running >= 1000);
	const entries: (readonly [string, string])[] = [
		...Object.entries({...facts, socket: facts['socket'] ?? noSocket, uptime: `${facts['uptime']} s`}).map(
			([name, value]) => [name, String(value)] as const,
		),
		...keptCopies(paths.data).map(copy => ['history', keptCopyText(copy)] as const),
		...long.map(({who, what, running: time}) => ['running', `${Math.round(time / 1000)} s, ${who}: ${what}`] as const),
		...runaways.map(runaway => ['runaway', runawayText(runaway)] as const),
	];
	const width = Math.max(...entries.map(([name]) => name.length));
	await write(
		stdout,
		joinPrintable(entries.map(([name, value]) => p`${printable(name).padEnd(width)}  ${printable(value)}\n`)),
	);
}

function runawayText({who, process, since}: RunningHub['runaways'][number]): string {
	return `SQL of ${who}, since ${since}: cannot be cancelled (process ${process} of the PostgreSQL server); it ends by itself, or when the server is restarted at once (pg_ctl restart -m immediate)`;
}

async function logs(paths: HubPaths, {flags, stdout}: Invocation): Promise<void> {
	const path = logFile(paths);
	const read = (): string => (existsSync(path) ? readLog(path) : '');
	let shown = '';
	for (;;) {
		const text = read();
		// If the file does not continue what was shown, it was rotated.
		const news = text.startsWith(shown) ? text.slice(shown.length) : text;
		for (const line of news.split('\n').slice(0, -1)) await write(stdout, p`${printable(line)}\n`);
		shown = text.slice(0, text.lastIndexOf('\n') + 1);
		if (flags['follow'] !== true) return;
		await sleep(300);
	}
}

function readLog(path: string): string {
	try {
		return readOwnFile(path);
	} catch (error) {
		throw fileError(`The hub's log ${path} cannot be read`, error);
	}
}

function describe(
	{url, socket, pid, version, engine, database, started_at, progress}: RunningHub,
	{data}: HubPaths,
): Record<string, string | number | null> {
	const uptime = Math.max(0, Math.round((Date.now() - Date.parse(started_at)) / 1000));
	const where = database === embedded ? join(data, 'pg') : database;
	const waits: Record<string, string> = progress === null ? {} : {progress};
	return {url, socket, pid, version, engine, database: where, data, started_at, uptime, ...waits};
}

/** With the variable names of `supabase status -o env`. */
function asEnvironment({url, anon_key, service_role_key, jwt_secret}: RunningHub): Printable {
	const variables = {API_URL: url, ANON_KEY: anon_key, SERVICE_ROLE_KEY: service_role_key, JWT_SECRET: jwt_secret};
	return joinPrintable(Object.entries(variables).map(([name, value]) => p`${printable(name)}="${printable(value)}"\n`));
}

/** A program that starts a hub passes its folders; `agentmux hub run` by a person uses the configured ones. */
async function chosen(invocation: Invocation): Promise<{paths: HubPaths; databaseUrl: string | undefined}> {
	const {flags, env} = invocation;
	const {data, state, logs} = flags;
	const flag = textFlag(flags, 'databaseUrl');
	if (flag !== undefined && (URL.parse(flag)?.password ?? '') !== '') {
		remark(
			invocation.stderr,
			'Other users of this machine can read that password, and it stays in the history of your shell. Set AGENTMUX_DATABASE_URL instead.',
		);
	}
	if (typeof data === 'string' && typeof state === 'string' && typeof logs === 'string') {
		return {paths: {data, state, logs}, databaseUrl: flag ?? (env['AGENTMUX_DATABASE_URL']?.trim() || undefined)};
	}
	const config = await loadConfig({env});
	return {paths: config.paths, databaseUrl: flag ?? config.databaseUrl};
}

function toMailboxError(error: HubError): MailboxError {
	return new MailboxError('offline', error.message, error.remedy, {cause: error});
}
