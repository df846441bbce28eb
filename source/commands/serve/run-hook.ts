import {existsSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {checkFile, checkFolder} from '../../hub/home/entry.ts';
import {dial, type HubAddress} from '../../hub/local/dial.ts';
import {openLog} from '../../hub/files/log.ts';
import {readOwnFile} from '../../hub/files/whole-file.ts';
import {openTrace, type Trace} from '../../hub/files/trace.ts';
import {bellFile} from '../../join/hook/bell.ts';
import {clientKey, isInteractive} from '../../join/clients/client.ts';
import {formatAnswer, clientIn, eventOf, parseEvent} from '../../join/clients/dialect.ts';
import {runHook, type Verify} from '../../join/hook/hook.ts';
import {readInput} from '../../join/hook/hook-input.ts';
import {logFailure} from '../../join/hook/hook-log.ts';
import {SessionFile} from '../../join/hook/hook-session.ts';
import {readStdin} from '../../join/hook/hook-stdin.ts';
import {tagOfHook} from '../../join/joined-folder.ts';
import {readKeptToken} from '../../join/kept-token.ts';
import {updateToken, credentialsFile, readCredentials} from '../../join/files/credentials-file.ts';
import {connectRpc, type Call, type RpcOptions} from '../../join/hook/rpc.ts';
import {Take} from '../../join/hook/take.ts';
import {addressFault} from '../../mailbox/address.ts';
import type {Tag} from '../../mailbox/tag.ts';
import {findPaths, type Paths} from '../../paths.ts';
import {p, printable, printableJson, type Printable, writeTo} from '../../printable.ts';

/**
 * Milliseconds from the start of the process until it gives up: 300 including startup and exit. AGENTMUX_HOOK_TIMEOUT sets another
 * number, for a project that is far away or a busy machine; AGENTMUX_HOOK_PATIENCE is its former name.
 */
const timeout = Number(process.env['AGENTMUX_HOOK_TIMEOUT'] || process.env['AGENTMUX_HOOK_PATIENCE'] || 240) || 240;

/** Additional milliseconds in which it gives back mail that it could not hand over. */
const releaseTimeout = 25;

/**
 * Runs as a separate program at every step of an agent: it imports little, prints nothing but mail, always exits 0 (2 to wake an
 * idle client), and never takes longer than 300 ms. Errors are logged in logs/hook.log for the human.
 */
const {argv, env} = process;
const words = argv.slice(argv[2] === 'hook' ? 3 : 2);
const [event = ''] = words;
const paths = findPaths(env);

/** Whether the answer was written to stdout; there can be only one. */
let answered = false;
/** The file that the client should watch; known as soon as the tag is. */
let bell: string | null = null;
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
	const why = failure instanceof Error ? failure.message : 'unknown error';
	if (failure !== null) logFailure(paths.logs, `${words.join(' ')}: ${why}`);
	// Shown only to the human, once a session.
	if (failure !== null && event === 'SessionStart' && !answered) {
		const systemMessage = printable(`agentmux: new mail is not handed over: ${why}`).slice(0, 500);
		// Watched anyway: the mailbox may be back when mail arrives.
		const watched = bell === null ? {} : {hookSpecificOutput: {hookEventName: event, watchPaths: [bell]}};
		writeTo(process.stdout, p`${printableJson({systemMessage, ...watched})}\n`);
	}
	if (failure === null || call === null) process.exit();
	// Give back what it may have taken before exiting; otherwise that waits until its lease ends.
	setTimeout(() => process.exit(), Math.max(0, timeout + releaseTimeout - age()));
	take.giveBack(call).then(
		() => process.exit(),
		() => process.exit(),
	);
}

/** Milliseconds since the process started. `performance.now()` would load node:perf_hooks, which takes 1.2 ms. */
const age = (): number => process.uptime() * 1000;
const gaveUp = (): Error => new Error(`gave up after ${Math.round(age())} ms`);
const checkTime = (needed: number): void => {
	if (timeout - age() < needed) throw gaveUp();
};
setTimeout(() => end(gaveUp()), Math.max(0, timeout - age()));
process.on('uncaughtException', end);
run().then(() => end(null), end);

async function run(): Promise<void> {
	const program = clientIn(words);
	eventOf(program, event);
	// Claude Code may have left the folder in which it was started: by a `cd` of its model.
	const folder = (program === 'claude' ? env['CLAUDE_PROJECT_DIR'] : undefined) ?? process.cwd();
	const tag = tagOfHook(paths.data, words, {env, folder, client: program});
	if (tag === null) return;
	// Another client that was started in Claude Code's shell inherits its variables, which then do not describe that client.
	const own = program === 'claude' ? env : {};
	if (isInteractive(own)) bell = bellFile(paths.state, tag);
	checkOwn(tag);
	const trace = openTrace('hook', paths.logs, env);
	const ask = traced(connectRpc(await credentialsOf(paths, tag)), trace);
	call = ask;
	const parsed = parseEvent(program, event, readInput(await readStdin()));
	if (parsed === null) return;
	const session = new SessionFile(join(paths.state, 'hooks'), parsed.input.session_id);
	const client = clientKey(own, parsed.input.session_id);
	const say = (text: string) => write(formatAnswer(program, event, text));
	// Loaded only if there is mail, since most hooks have none.
	const verify: Verify = async mail => {
		const {hookVerifier} = await import('./hook-verifier.ts');
		return hookVerifier({data: paths.data, call: ask, session})(mail);
	};
	await runHook({...parsed, tag, session, client, bell, call: ask, take, checkTime, verify, write: say, wake});
}

/** Traces each call with a line. */
function traced(ask: Call, trace: Trace | undefined): Call {
	if (trace === undefined) return ask;
	return async (name, args, columns) => {
		const began = age();
		const note = (answer: string): void => trace(`${event}: ${name}: ${answer} in ${Math.round(age() - began)} ms`);
		try {
			const result = await ask(name, args, columns);
			note(Array.isArray(result) ? `${result.length} rows` : 'answered');
			return result;
		} catch (error) {
			note('failed');
			throw error;
		}
	};
}

/** Checks only the files that a hook reads; every command checks all of them. */
function checkOwn(tag: Tag): void {
	const {data, state, logs} = paths;
	const credentials = credentialsFile(data, tag);
	const folders = [data, state, logs, dirname(credentials), join(state, 'tokens')].map(checkFolder);
	const files = [credentials, join(state, 'hub.json')].map(checkFile);
	// This does not make the hook fail.
	const note = openLog(paths);
	for (const sentence of [...folders, ...files]) if (sentence !== null) note(sentence);
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

/** Chooses like loadConfig does for the agent's MCP server: the environment's Supabase first, then the one that join used. */
async function credentialsOf({data, state}: Paths, tag: Tag): Promise<RpcOptions> {
	const credentials = readCredentials(data, tag);
	const named = env['SUPABASE_URL']?.trim() ?? '';
	const url = named === '' ? (credentials?.url ?? null) : named;
	if (url !== null) {
		const fault = addressFault(url);
		if (fault !== null) throw new Error(`the address of its Supabase project ${fault}`);
		// The key that join kept is only for the address that it kept.
		const key = keyIn(env) ?? (named === '' ? (credentials?.key ?? null) : null);
		if (key === null)
			throw new Error('a Supabase project is configured, but the client has no key for it in its environment');
		const {account = null} = credentials ?? {};
		if (account === null || account.url !== url) return {url, key, tag};
		return {url, key, token: await tokenOf(state, tag, account.id), tag};
	}
	if (credentials === null) throw new Error(`${tag} has not joined here: run \`agentmux join ${tag}\` in its folder`);
	if (credentials.token === null || credentials.key === null) {
		throw new Error(`${tag} joined a Supabase project, but SUPABASE_URL is not set where the client runs`);
	}
	const hub = await hubOf(state);
	const {key, token} = credentials;
	const keep = (next: string) => updateToken(data, tag, token, {key, token: next});
	return {url: hub.url, key, token, tag, dial: () => dial(hub), keep};
}

/**
 * The token that the agent's server or a command keeps. Signing in takes longer than a hook may, so this only waits: at the start
 * of a session the server may be signing in just now.
 */
async function tokenOf(state: string, tag: Tag, account: string): Promise<string> {
	for (;;) {
		const kept = readKeptToken(state, tag, account);
		if (kept !== null) return kept.token;
		if (age() > timeout - 40) {
			throw new Error('it has not signed in yet: its mailbox server does that when the client starts it');
		}
		await new Promise(resolve => {
			setTimeout(resolve, 10);
		});
	}
}

function keyIn(env: NodeJS.ProcessEnv): string | null {
	const found = ['SECRET', 'SERVICE_ROLE', 'PUBLISHABLE', 'ANON']
		.map(name => env[`SUPABASE_${name}_KEY`]?.trim())
		.find(key => key !== undefined && key !== '');
	return found ?? null;
}

/** The running hub. If its file is damaged and its socket exists, waits for the hub to rewrite the file. */
async function hubOf(state: string): Promise<HubAddress> {
	for (;;) {
		const hub = readHub(state);
		if (hub !== null && isAlive(hub.pid)) return hub;
		if (hub !== null || age() > timeout - 40 || !existsSync(join(state, 'hub.sock'))) {
			// None has run, it was stopped, or it died.
			throw new Error('the hub is not running: start it with `agentmux hub start`');
		}
		await new Promise(resolve => {
			setTimeout(resolve, 10);
		});
	}
}

/** Does not use the hub's own reader, which would load more code. Null if the file is missing or damaged. */
function readHub(state: string): (HubAddress & {readonly pid: number}) | null {
	try {
		const {url, socket, proof_key, pid} = JSON.parse(readOwnFile(join(state, 'hub.json'))) as {
			readonly [name in keyof HubAddress | 'pid']?: unknown;
		};
		const isComplete = typeof url === 'string' && typeof proof_key === 'string' && typeof pid === 'number';
		return isComplete && (typeof socket === 'string' || socket === null) ? {url, socket, proof_key, pid} : null;
	} catch {
		return null;
	}
}

/** Whether the process exists. If not, its port may belong to another program by now. */
function isAlive(pid: number): boolean {
	try {
		return process.kill(pid, 0);
	} catch {
		return false;
	}
}
