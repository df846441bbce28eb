// The thread in which PostgreSQL runs, so that a long query does not block the hub's event loop.
import {setFlagsFromString} from 'node:v8';
import {parentPort, receiveMessageOnPort, type MessagePort} from 'node:worker_threads';
import {DatabaseError, type Result} from '../database/database.ts';
import {PgliteDatabase} from './pglite.ts';
import {withdrawInterrupt} from './interrupt.ts';
import {Progress} from './progress.ts';
import {
	maxTogether,
	type Notice,
	type WorkerAnswer,
	type WorkerCall,
	type WorkerData,
	type WorkerFailure,
} from './worker-messages.ts';

// By default, V8 compiles all of PostgreSQL a second time with optimizations, which takes seconds of two cores, 600 MB at the peak and
// 100 MB permanently. Computations would then take half the time, but reads and writes hardly less. (`--liftoff-only`, which implies
// these two flags, only works at the start of the process.)
setFlagsFromString('--no-wasm-tier-up');
setFlagsFromString('--no-wasm-dynamic-tiering');

const port = threadPort();
const answer = (message: WorkerAnswer): void => port.postMessage(message);

// No result may leave the thread after PostgreSQL has panicked, so it ends immediately.
const onAbort = (reason: string): never => {
	answer({stopped: reason});
	process.exit(1);
};
const {options, module, progress: shared} = await received<WorkerData>(port);
const database = await PgliteDatabase.open({...options, module: moduleFrom(module), onAbort});
const listening = new Map<string, () => Promise<void>>();
const progress = new Progress(shared);
/** What was heard during the call. */
let notices: Notice[] = [];
/** Calls that were received and have not begun. */
const waiting: WorkerCall[] = [];
let isWorking = false;
answer({opened: true, interrupt: database.interrupt, module: database.module});
port.on('message', (call: WorkerCall) => {
	waiting.push(call);
	if (!isWorking) void work();
});

async function work(): Promise<void> {
	isWorking = true;
	for (let call = waiting.shift(); call !== undefined; call = waiting.shift()) await serve(call);
	isWorking = false;
}

/**
 * Runs a call, and if it is a message, also the messages that wait behind it: each in a transaction of its own, but with one write to the
 * disk for all. Nothing leaves the thread before that write, because even an error or a notification may tell of an earlier message that a
 * power cut would undo.
 */
async function serve(first: WorkerCall): Promise<void> {
	const answers: WorkerAnswer[] = [];
	let isFlushed = true;
	for (let call = first; ;) {
		const isFollowed = (): boolean => isMessage(call) && answers.length < maxTogether - 1 && isMessage(peek());
		const isLater = (): boolean => {
			isFlushed &&= !isFollowed();
			return !isFlushed;
		};
		answers.push(await outcome(call, isLater));
		const next = !isFlushed && isFollowed() ? waiting.shift() : undefined;
		if (next === undefined) break;
		call = next;
		answer({begun: call.id});
	}
	if (!isFlushed) await database.flush();
	const [one, ...others] = answers;
	// In one piece, which is one wake-up of the other thread instead of two.
	if (one !== undefined && 'results' in one) answer({...one, notices: notices.splice(0)});
	else {
		passOnNotices();
		if (one !== undefined) answer(one);
	}
	for (const each of others) answer(each);
	if (first.call === 'close') port.close();
}

/** The next call that waits. */
function peek(): WorkerCall | undefined {
	for (let received = receiveMessageOnPort(port); received !== undefined; received = receiveMessageOnPort(port)) {
		waiting.push(received.message as WorkerCall);
	}
	return waiting[0];
}

function isMessage(call: WorkerCall | undefined): boolean {
	return call?.call === 'run' && call.scope.bounded === true;
}

async function outcome(call: WorkerCall, isLater: () => boolean): Promise<WorkerAnswer> {
	const {id} = call;
	progress.begin(id);
	try {
		const results = await perform(call, isLater);
		finish(id);
		return {id, results};
	} catch (error) {
		finish(id);
		const failed: WorkerAnswer = {id, failure: describe(error)};
		if (error instanceof DatabaseError) return failed;
		// Any other error than one reported by PostgreSQL means that it can no longer be trusted.
		answer(failed);
		throw error;
	}
}

/** Ends a call for cancellation: a later one has no effect, also not on the next call. Returns whether it was cancelled before. */
function finish(id: number): boolean {
	const isCancelled = progress.end(id);
	if (isCancelled && database.interrupt !== null) withdrawInterrupt(database.interrupt);
	return isCancelled;
}

/** All at once: 300,000 messages to the other thread would keep both busy for seconds. */
function passOnNotices(): void {
	if (notices.length === 0) return;
	answer({notices});
	notices = [];
}

async function perform(call: WorkerCall, isLater: () => boolean): Promise<Result[]> {
	if (call.call === 'run') {
		return database.runUnless(() => finish(call.id), call.scope, call.statements, isLater);
	}
	if (call.call === 'script') return database.script(call.scope, call.sql);
	if (call.call === 'listen') await listen(call.channel);
	if (call.call === 'unlisten') await listening.get(call.channel)?.();
	if (call.call === 'copy') await database.copyTo(call.folder);
	if (call.call === 'close') await database.close();
	return [];
}

async function listen(channel: string): Promise<void> {
	if (listening.has(channel)) return;
	const end = await database.listen(channel, payload => notices.push([channel, payload]));
	listening.set(channel, async () => {
		listening.delete(channel);
		await end();
	});
}

function describe(error: unknown): WorkerFailure {
	if (error instanceof DatabaseError) {
		const {message, code, details, hint} = error;
		return {message, code, details, hint};
	}
	return {message: error instanceof Error ? error.message : String(error), code: null, details: null, hint: null};
}

/** The next message of a port. */
function received<T>(from: MessagePort): Promise<T> {
	return new Promise(resolve => {
		from.once('message', resolve);
	});
}

async function moduleFrom(from: MessagePort): Promise<WebAssembly.Module | null> {
	const module = await received<WebAssembly.Module | null>(from);
	from.close();
	return module;
}

function threadPort(): MessagePort {
	if (parentPort === null) throw new Error('pglite-worker.ts is the entry of a worker thread.');
	return parentPort;
}
