// The thread that PostgreSQL runs in: a long query blocks it, and never the hub's own event loop.
import {setFlagsFromString} from 'node:v8';
import {parentPort, workerData, type MessagePort} from 'node:worker_threads';
import {DatabaseError, type Result} from '../database/database.ts';
import {PgliteDatabase} from './pglite.ts';
import {withdrawInterrupt} from './interrupt.ts';
import {Progress} from './progress.ts';
import type {WorkerAnswer, WorkerCall, WorkerData, WorkerFailure} from './worker-messages.ts';

// V8 would compile all of PostgreSQL a second time, optimised: seconds of both cores and 600 MB at their height, 100 MB for
// good. What computes then takes half the time; what reads and writes hardly any less. (`--liftoff-only`, which stands for
// these two, is read only when the process starts.)
setFlagsFromString('--no-wasm-tier-up');
setFlagsFromString('--no-wasm-dynamic-tiering');

const port = threadPort();
const answer = (message: WorkerAnswer): void => port.postMessage(message);

// What was being said when PostgreSQL panicked must not reach anyone: the thread ends on the spot.
const onAbort = (reason: string): never => {
	answer({stopped: reason});
	process.exit(1);
};
const {options, progress: shared} = workerData as WorkerData;
const database = await PgliteDatabase.open({...options, onAbort});
const listening = new Map<string, () => Promise<void>>();
const progress = new Progress(shared);
let turn = Promise.resolve();
answer({opened: true, interrupt: database.interrupt, module: database.module});
port.on('message', (call: WorkerCall) => {
	turn = turn.then(() => serve(call));
});

async function serve(call: WorkerCall): Promise<void> {
	progress.begin(call.id);
	try {
		const results = await perform(call);
		finish(call.id);
		answer({id: call.id, results});
	} catch (error) {
		finish(call.id);
		answer({id: call.id, failure: describe(error)});
		// PostgreSQL reports its own failures. Anything else means that it can no longer be trusted to run.
		if (!(error instanceof DatabaseError)) throw error;
	}
	if (call.call === 'close') port.close();
}

/**
 * From now on nothing cancels it; what was to cancel it, and came too late, must not cancel the next one. Returns whether
 * somebody had cancelled it.
 */
function finish(id: number): boolean {
	const isCancelled = progress.end(id);
	if (isCancelled && database.interrupt !== null) withdrawInterrupt(database.interrupt);
	return isCancelled;
}

async function perform(call: WorkerCall): Promise<Result[]> {
	if (call.call === 'run') {
		return database.runUnless(() => finish(call.id), call.scope, call.statements);
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
	const end = await database.listen(channel, payload => answer({channel, payload}));
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

function threadPort(): MessagePort {
	if (parentPort === null) throw new Error('pglite-worker.ts is the entry of a worker thread.');
	return parentPort;
}
