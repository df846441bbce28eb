// Loaded into each thread of a program before its own code (NODE_OPTIONS): whoever connects to its socket hears how many bytes
// are alive in it after a collection, with the memory outside of V8 that its objects hold and without compiled code, which V8
// makes and forgets as it likes. No TypeScript: to strip its types takes 8 MB of each thread.
import {createServer} from 'node:net';
import path from 'node:path';
import {getHeapCodeStatistics} from 'node:v8';
import {threadId} from 'node:worker_threads';

const {AGENTMUX_SOAK_PROBES: folder, AGENTMUX_SOAK_LEAK: leak} = process.env;
if (folder !== undefined) {
	createServer(client => {
		// The second one takes what the finalizers of the first let go.
		for (let round = 0; round < 2; round += 1) globalThis.gc();
		const {heapUsed, external} = process.memoryUsage();
		const {code_and_metadata_size: code, bytecode_and_metadata_size: bytecode} = getHeapCodeStatistics();
		client.end(String(heapUsed + external - code - bytecode));
	})
		.listen(path.join(folder, `${process.pid}-${threadId}.sock`))
		.unref();
}

// A leak of so many bytes a second, which a run has to find.
if (leak !== undefined) {
	const leaked = [];
	setInterval(() => leaked.push(Array.from({length: Number(leak) / 8}, (_, nth) => nth)), 1000).unref();
}
