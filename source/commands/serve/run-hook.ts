import {existsSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {checkFile, checkFolder} from '../../hub/home/entry.ts';
import {dial, type HubAddress} from '../../hub/local/dial.ts';
import {openLog} from '../../hub/files/log.ts';
import {readOwnFile} from '../../hub/files/whole-file.ts';
import {openTrace, type Trace} from '../../hub/files/trace.ts';
import {bellFile} from '../../join/hook/bell.ts';
import {clientKey, isInteractive} from '../../join/clients/client.ts';
import {answer, clientIn, eventOf, heard} from '../../join/clients/dialect.ts';
import {runHook, tagIn, type Verify} from '../../join/hook/hook.ts';
import {readInput} from '../../join/hook/hook-input.ts';
import {noteFailure} from '../../join/hook/hook-log.ts';
import {SessionFile} from '../../join/hook/hook-session.ts';
import {readStdin} from '../../join/hook/hook-stdin.ts';
import {readKeptToken} from '../../join/kept-token.ts';
import {keepToken, credentialsFile, readCredentials} from '../../join/files/credentials-file.ts';
import {opened, type Call, type Credentials} from '../../join/hook/rpc.ts';
import {Take} from '../../join/hook/take.ts';
import {addressFault} from '../../mailbox/address.ts';
import type {Tag} from '../../mailbox/tag.ts';
import {findPaths, type Paths} from '../../paths.ts';
import {p, printable, printableJson, type Printable, writeTo} from '../../printable.ts';

/**
 * Milliseconds from the start of the process until it gives up: 300 with starting and ending. AGENTMUX_HOOK_PATIENCE says
 * otherwise, for a project that is far away or a machine that is busy.
 */
const timeout = Number(process.env['AGENTMUX_HOOK_PATIENCE'] || 240) || 240;

/** Milliseconds more in which it gives back what it could not hand over. */
const partingTimeout = 25;

/**
 * Runs as a program of its own, at every step of an agent: it imports little, says nothing but mail, exits 0 whatever
 * happens (2 to wake an idle client), and never takes longer than 300 ms. What went wrong stands in logs/hook.log for the human.
 */
const {argv, env} = process;
const words = argv.slice(argv[2] === 'hook' ? 3 : 2);
const [event = ''] = words;
const paths = findPaths(env);

/** Whether stdout has an answer already: it takes one. */
let said = false;
/** What the client is to watch; known as soon as the tag is. */
let bell: string | null = null;
/** Loading node:crypto for a name that is random would take longer than all of this. */
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
		`${words.join(' ')}: ${failure === null ? 'done' : 'failed'} after ${Math.round(age())} ms${said ? ', and said something' : ''}`,
	);
	const why = failure instanceof Error ? failure.message : 'something failed without saying why';
	if (failure !== null) noteFailure(paths.logs, `${words.join(' ')}: ${why}`);
	// Shown to the human alone, and once a session.
	if (failure !== null && event === 'SessionStart' && !said) {
		const systemMessage = printable(`agentmux: new mail is not handed over: ${why}`).slice(0, 500);
		// Watched all the same: the mailbox may be back when mail comes.
		const watched = bell === null ? {} : {hookSpecificOutput: {hookEventName: event, watchPaths: [bell]}};
		writeTo(process.stdout, p`${printableJson({systemMessage, ...watched})}\n`);
	}
	if (failure === null || call === null) process.exit();
	// Nobody else waits for what it may have taken: it is given back on the way out, or when its lease ends.
	setTimeout(() => process.exit(), Math.max(0, timeout + partingTimeout - age()));
	take.giveBack(call).then(
		() => process.exit(),
		() => process.exit(),
	);
}

/** Milliseconds since the process started. `performance.now()` would load all of node:perf_hooks: 1.2 ms of it. */
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
	const tag = tagIn(words, env);
	// What Claude Code says of itself holds for another client in its shell, too, and is not about that.
	const own = program === 'claude' ? env : {};
	if (isInteractive(own)) bell = bellFile(paths.state, tag);
	checkOwn(tag);
	const trace = openTrace('hook', paths.logs, env);
	const ask = traced(opened(await credentialsOf(paths, tag)), trace);
	call = ask;
	const told = heard(program, event, readInput(await readStdin()));
	if (told === null) return;
	const session = new SessionFile(join(paths.state, 'hooks'), told.input.session_id);
	const client = clientKey(own, told.input.session_id);
	const say = (text: string) => write(answer(program, event, text));
	// Loaded where there is mail: most hooks have none.
	const verify: Verify = async mail => {
		const {hookVerifier} = await import('./hook-verifier.ts');
		return hookVerifier({data: paths.data, call: ask, session})(mail);
	};
	await runHook({...told, tag, session, client, bell, call: ask, take, checkTime, verify, write: say, wake});
}

/** The same calls, with a line about each. */
function traced(ask: Call, trace: Trace | undefined): Call {
	if (trace === undefined) return ask;
	return async (name, args, columns) => {
		const began = age();
		const tell = (answer: string): void => trace(`${event}: ${name}: ${answer} in ${Math.round(age() - began)} ms`);
		try {
			const result = await ask(name, args, columns);
			tell(Array.isArray(result) ? `${result.length} rows` : 'answered');
			return result;
		} catch (error) {
			tell('failed');
			throw error;
		}
	};
}

/** The few that a hook reads; every command looks at all of them. */
function checkOwn(tag: Tag): void {
	const {data, state, logs} = paths;
	const credentials = credentialsFile(data, tag);
	const folders = [data, state, logs, dirname(credentials), join(state, 'tokens')].map(checkFolder);
	const files = [credentials, join(state, 'hub.json')].map(checkFile);
	// No failure of the hook's: it goes on.
	const note = openLog(paths);
	for (const sentence of [...folders, ...files]) if (sentence !== null) note(sentence);
}

function write(text: string): Promise<void> {
	said = true;
	// It is giving back what it holds: printed now, that would come twice.
	if (ended) return new Promise(() => undefined);
	return new Promise((resolve, reject) => {
		process.stdout.on('error', reject);
		process.stdout.write(text, error => (error ? reject(error) : resolve()));
	});
}

/** What a client takes from a hook that it does not wait for. */
function wake(text: Printable): Promise<void> {
	process.exitCode = 2;
	return new Promise(resolve => {
		process.stderr.write(p`${text}\n`, () => resolve());
	});
}

/** As loadConfig decides for the agent's MCP server: the environment's Supabase first, then what join found. */
async function credentialsOf({data, state}: Paths, tag: Tag): Promise<Credentials> {
	const credentials = readCredentials(data, tag);
	const named = env['SUPABASE_URL']?.trim() ?? '';
	const url = named === '' ? (credentials?.url ?? null) : named;
	if (url !== null) {
		const fault = addressFault(url);
		if (fault !== null) throw new Error(`the address of its Supabase project ${fault}`);
		// The key that join kept is for the address that it kept.
		const key = keyIn(env) ?? (named === '' ? (credentials?.key ?? null) : null);
		if (key === null)
			throw new Error('a Supabase project is configured, but where the client runs there is no key for it');
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
	const keep = (next: string) => keepToken(data, tag, token, {key, token: next});
	return {url: hub.url, key, token, tag, dial: () => dial(hub), keep};
}

/** Its server or a command signs in, which takes longer than a hook may; at the start of a session that may be just now. */
async function tokenOf(state: string, tag: Tag, account: string): Promise<string> {
	for (;;) {
		const kept = readKeptToken(state, tag, account);
		if (kept !== null) return kept.token;
		if (age() > timeout - 40) {
			throw new Error('it has not signed in: its mailbox server does that, as soon as the client starts it');
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

/** A running hub rewrites a damaged file: this waits for that if the hub's socket exists. */
async function hubOf(state: string): Promise<HubAddress> {
	for (;;) {
		const hub = readHub(state);
		if (hub !== null && isAlive(hub.pid)) return hub;
		if (hub !== null || age() > timeout - 40 || !existsSync(join(state, 'hub.sock'))) {
			// None has run, it was stopped, or it died.
			throw new Error('the hub is not running: `agentmux hub start` starts it');
		}
		await new Promise(resolve => {
			setTimeout(resolve, 10);
		});
	}
}

/** Read here and not by hub/state-file, which would load more. Null where there is none, or it is damaged. */
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

/** Where there is no such process, its port may be another's by now. */
function isAlive(pid: number): boolean {
	try {
		return process.kill(pid, 0);
	} catch {
		return false;
	}
}
