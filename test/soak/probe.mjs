// Loaded into each thread of a program before its own code (NODE_OPTIONS): whoever connects to its socket hears how many bytes
// are alive in it after a collection, with the memory outside of V8 that its objects hold. No TypeScript: to strip its types
// takes 8 MB of each thread.
import {createServer} from 'node:net';
import path from 'node:path';
import {threadId} from 'node:worker_threads';

const folder = process.env.AGENTMUX_SOAK_PROBES;
if (folder !== undefined) {
	createServer(client => {
		// The second one takes what the finalizers of the first let go.
		for (let round = 0; round < 2; round += 1) globalThis.gc();
		const {heapUsed, external} = process.memoryUsage();
		client.end(String(heapUsed + external));
	})
		.listen(path.join(folder, `${process.pid}-${threadId}.sock`))
		.unref();
}
