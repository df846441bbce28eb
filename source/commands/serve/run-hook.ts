import {dirname, join} from 'node:path';
import {checkFile, checkFolder} from '../../hub/home/entry.ts';
import {openLog} from '../../hub/files/log.ts';
import {openTrace} from '../../hub/files/trace.ts';
import {bellFile, createBell, isFlagged} from '../../join/hook/bell.ts';
import {clientKey, clientProcess, isAskedFor, isHeadless, isInteractive} from '../../join/clients/client.ts';
import {formatAnswer, clientIn, eventOf, parseEvent, type ClientId} from '../../join/clients/dialect.ts';
import {age, Deadline} from '../../join/hook/deadline.ts';
import type {Verify} from '../../join/hook/hand-over.ts';
import {runHook} from '../../join/hook/hook.ts';
import {readInput, type HookEvent} from '../../join/hook/hook-input.ts';
import {logFailure} from '../../join/hook/hook-log.ts';
import {SessionFile, sessionsFolder} from '../../join/hook/hook-session.ts';
import {readStdin} from '../../join/hook/hook-stdin.ts';
import {tagOfHook} from '../../join/joined-folder.ts';
import {missedFile, noteMissed} from '../../join/hook/missed.ts';
import {connectRpc, type Call} from '../../join/hook/rpc.ts';
import {Take} from '../../join/hook/take.ts';
import {headlessFlag} from '../../join/clients/entries.ts';
import {hookRoom} from '../../join/clients/hook-room.ts';
import {timeLimit} from '../../join/clients/time-limit.ts';
import {credentialsFile} from '../../join/files/credentials-file.ts';
import {MailboxError} from '../../mailbox/error.ts';
import {sameTag, type Tag} from '../../mailbox/tag.ts';
import {findPaths} from '../../paths.ts';
import {p, printable, printableJson, type Printable, writeTo} from '../../printable.ts';
import {agentEnv} from '../connect/agent-env.ts';
import {hookCredentials} from './hook-credentials.ts';
import {traced} from './traced-call.ts';

/**
 * Runs as a separate program at every step of an agent: it imports little, prints nothing but mail, always exits 0 (2 to wake an
 * idle client), and holds the agent up for no longer than 300 ms (time-limit.ts). Errors are logged in logs/hook.log for the human,
 * and noted for the agent's server, which makes good for them.
 */
/** Until the event is known, a short time: nothing but stdin is waited for. */
const deadline = new Deadline(240, end);
/** Additional milliseconds in which it gives back mail that it could not hand over. */
const releaseTimeout = 25;

const {argv, env} = process;
const words = argv.slice(argv[2] === 'hook' ? 3 : 2);
const [theirs = ''] = words;
const paths = findPaths(env);

/** Whether the answer was written to stdout; there can be only one. */
let answered = false;
/** The file that the client should watch; known as soon as the tag is, if the client is interactive. */
let bell: string | null = null;
/** Where to note what was missed; known as soon as the client is. */
let notes: {readonly path: string; readonly event: HookEvent} | null = null;
/** Math.random, because loading node:crypto would take longer than everything else here. */
const take = new Take(`${process.pid}-${Date.now()}-${String(Math.random()).slice(2)}`);
let call: Call | null = null;
let ended = false;

function end(failure: unknown): void {
	if (ended) return;
	ended = true;
	openTrace(
		'hook',
		paths.logs,
		env,
	)?.(
		`${words.join(' ')}: ${failure === null ? 'done' : 'failed'} after ${Math.round(age())} ms${answered ? ', with an answer' : ''}`,
	);
	const said = failure instanceof MailboxError ? failure.sentence : (failure as Partial<Error> | null)?.message;
	const why = said ?? 'unknown error';
	if (failure !== null) logFailure(paths.logs, `${words.join(' ')}: ${why}`);
	// Shown only to the human, once a session.
	if (failure !== null && theirs === 'SessionStart' && !answered) {
		const systemMessage = printable(`agentmux: new mail is not handed over: ${why}`).slice(0, 500);
		// Watched anyway: the mailbox may be back when mail arrives.
		const watched = bell === null ? {} : {hookSpecificOutput: {hookEventName: theirs, watchPaths: [bell]}};
		writeTo(process.stdout, p`${printableJson({systemMessage, ...watched})}\n`);
	}
	if (failure !== null && notes !== null)
		noteMissed(notes.path, {event: notes.event, ...(take.isOpen ? {take: take.id} : {})});
	if (failure === null || call === null) process.exit();
	// Give back what it may have taken before exiting; otherwise that waits until its lease ends, or the server does it.
	setTimeout(() => process.exit(), Math.max(0, deadline.left() + releaseTimeout));
	take.giveBack(call).then(
		() => process.exit(),
		() => process.exit(),
	);
}

process.on('uncaughtException', end);
run().then(() => end(null), end);

async function run(): Promise<void> {
	const program = clientIn(words);
	const known = eventOf(program, theirs);
	// Claude Code may have left the folder in which it was started: by a `cd` of its model.
	const folder = (program === 'claude' ? env['CLAUDE_PROJECT_DIR'] : undefined) ?? process.cwd();
	const theirEnv = await agentEnv(env, paths, {headless: words.includes(headlessFlag)});
	const tag = tagOfHook(paths.data, words, {env: theirEnv, folder, client: program});
	if (tag === null) return;
	// Another client that was started in Claude Code's shell inherits its variables, which then do not describe that client.
	const own = program === 'claude' ? theirEnv : {};
	if (!(await takesPart(own, tag))) return;
	const flag = bellFile(paths.state, tag);
	if (isInteractive(own)) bell = flag;
	const set = Number(env['AGENTMUX_HOOK_TIMEOUT'] || env['AGENTMUX_HOOK_PATIENCE']) || null;
	const {begun} = deadline;
	deadline.move(timeLimit({client: program, event: known, mailWaits: isFlagged(flag), begun, set}));
	if (known === 'CwdChanged') return watchAgain();
	checkOwn(tag);
	const trace = openTrace('hook', paths.logs, env);
	const left = () => deadline.left();
	// Until stdin is read, by what the environment says; the key of Claude Code is there.
	const ending = known === 'SessionEnd' ? lastKey(own) : null;
	note(flag, known, ending ?? clientKey(own, null));
	const ask = traced(theirs, connectRpc(await hookCredentials(paths, tag, {env, left})), trace);
	call = ask;
	const parsed = parseEvent(program, theirs, readInput(await readStdin()));
	if (parsed === null) return;
	const client = ending ?? clientKey(own, parsed.input.session_id);
	note(flag, parsed.event, client);
	const session = new SessionFile(sessionsFolder(paths.state), client ?? parsed.input.session_id);
	if (client !== null) await recordOwner(session, own, {tag, client, program, event: parsed.event});
	const say = (text: string) => write(formatAnswer(program, theirs, text));
	// Loaded only if there is mail, since most hooks have none.
	const verify: Verify = async mail => {
		const {hookVerifier} = await import('./hook-verifier.ts');
		return hookVerifier({data: paths.data, call: ask, session})(mail);
	};
	const reconnect = async () => connectRpc(await hookCredentials(paths, tag, {env, left}));
	const approve = async () => {
		const {hookApproving} = await import('./hook-approving.ts');
		const extend = (seconds: number) => deadline.move(age() + seconds * 1000);
		const log = (sentence: string) => logFailure(paths.logs, `${words.join(' ')}: ${sentence}`);
		return hookApproving({program, data: paths.data, env: own, settings: env, reconnect, extend, log});
	};
	const endsBatch = program === 'claude';
	const stops = program !== 'codex';
	const room = hookRoom(program);
	const means = {
		session,
		client,
		endsBatch,
		stops,
		bell,
		flag,
		call: ask,
		take,
		room,
		deadline,
		verify,
		write: say,
		approve,
		wake,
	};
	await runHook({...parsed, tag, ...means});
}

/**
 * Whether the client is to have mail at all. A headless run only if it was asked for, and if no interactive client works under the
 * tag: a script's prompt would be answered with what somebody wrote to the agent.
 */
async function takesPart(own: NodeJS.ProcessEnv, tag: Tag): Promise<boolean> {
	if (!isHeadless(own)) return true;
	if (!isAskedFor(words.includes(headlessFlag), own)) return false;
	const {isSpokenFor} = await import('../../join/clients/client-owner.ts');
	return !isSpokenFor(paths.state, tag, own);
}

interface Recording {
	readonly tag: Tag;
	/** The client's key. */
	readonly client: string;
	readonly program: ClientId;
	readonly event: HookEvent;
}

/**
 * Records the process of the client, so that its session is ended when that is dead: no server of the agent may ever have run. Only if
 * the client keeps its key as long as it runs, which without a socket is that of one session. Clients other than Claude Code do not
 * name their process; the agent's server knows which of those above the hook it is.
 */
async function recordOwner(
	session: SessionFile,
	own: NodeJS.ProcessEnv,
	{tag, client, program, event}: Recording,
): Promise<void> {
	const pid = clientProcess(own);
	const keepsKey = (own['CLAUDE_CODE_MESSAGING_SOCKET'] ?? '') !== '' || isHeadless(own);
	const isNamed = pid !== null && keepsKey;
	if ((!isNamed && program === 'claude') || event === 'SessionEnd') return;
	const {owner} = session.read();
	const isSame = owner !== null && sameTag(owner.tag, tag) && (owner.client?.pid ?? null) === pid;
	// A new client may have the number of one that was killed.
	if (event !== 'SessionStart' && isSame) return;
	const {processesAbove, processOf} = await import('../../join/clients/running-process.ts');
	const whose = isNamed ? {client: processOf(pid), above: []} : {client: null, above: processesAbove()};
	try {
		session.change({owner: {tag, session: client, interactive: isInteractive(own), ...whose}});
	} catch {
		// A full disk must not keep an agent from its mail.
	}
}

/** A client that changed its folder has forgotten what it watches. Needs no mailbox. */
async function watchAgain(): Promise<void> {
	if (bell === null) return;
	createBell(bell);
	await write(`${JSON.stringify({hookSpecificOutput: {hookEventName: 'CwdChanged', watchPaths: [bell]}})}\n`);
}

/** The key of a client that has closed its socket because it ends: the socket has the name of its process. */
function lastKey(own: NodeJS.ProcessEnv): string | null {
	const pid = clientProcess(own);
	if (pid === null || (own['CLAUDE_CODE_MESSAGING_SOCKET'] ?? '') !== '') return null;
	return clientKey({CLAUDE_CODE_MESSAGING_SOCKET: `${pid}.sock`}, null);
}

function note(flag: string, event: HookEvent, client: string | null): void {
	if (client !== null) notes = {path: missedFile(flag, client), event};
}

/** Checks only the files that a hook reads; every command checks all of them. */
function checkOwn(tag: Tag): void {
	const {data, state, logs} = paths;
	const credentials = credentialsFile(data, tag);
	const folders = [data, state, logs, dirname(credentials), join(state, 'tokens')].map(checkFolder);
	const files = [credentials, join(state, 'hub.json')].map(checkFile);
	// This does not make the hook fail.
	const log = openLog(paths);
	for (const sentence of [...folders, ...files]) if (sentence !== null) log(sentence);
}

function write(text: string): Promise<void> {
	answered = true;
	// The mail is being given back; printing it now would deliver it twice.
	if (ended) return new Promise(() => undefined);
	return new Promise((resolve, reject) => {
		process.stdout.on('error', reject);
		process.stdout.write(text, error => (error ? reject(error) : resolve()));
	});
}

/** Wakes the client the way a background hook can: by stderr and exit code 2. */
function wake(text: Printable): Promise<void> {
	process.exitCode = 2;
	return new Promise(resolve => {
		process.stderr.write(p`${text}\n`, () => resolve());
	});
}
