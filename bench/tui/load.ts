// node bench/tui/load.ts RATE ROWS TAGS: inserts RATE messages a second of TAGS agents over REST until stdin ends, in transactions of ROWS,
// and says on stdout how many it inserted, in how many transactions, in how many milliseconds. HUB_URL and HUB_KEY say where.
const rate = Number(process.argv[2]);
const url = process.env['HUB_URL'] ?? '';
const key = process.env['HUB_KEY'] ?? '';
const rows = Number(process.argv[3]);
const tags = Number(process.argv[4]);
const maxOpen = 8;

const words = [
	'tests of the parser pass now, and the ones of the printer next',
	'see `source/parser.ts`: the **second** branch was never taken',
	'found it in the log of last night; who has the file open?',
	'done, the migration went through on the copy, not yet on the original',
];
const ended = new AbortController();
process.stdin.on('end', () => ended.abort()).resume();

const begin = performance.now();
let sent = 0;
let asked = 0;
const open = new Set<Promise<void>>();
while (!ended.signal.aborted) {
	const batch = Array.from({length: rows}, (_, index) => {
		const nth = asked + index;
		const to = nth % 3 === 0 ? ` @LOAD_${((nth + 1) % tags) + 1}` : '';
		return {content: `[LOAD_${(nth % tags) + 1}] number ${nth}: ${words[nth % words.length]}${to}`};
	});
	asked += rows;
	const sending = post(batch).finally(() => open.delete(sending));
	open.add(sending);
	if (open.size >= maxOpen) await Promise.race(open);
	const wait = begin + (asked * 1000) / rate - performance.now();
	await new Promise(resolve => setTimeout(resolve, Math.max(0, wait)));
}
await Promise.all(open);
console.log(JSON.stringify({sent, bursts: sent / rows, took: performance.now() - begin}));

async function post(batch: readonly {content: string}[]): Promise<void> {
	const response = await fetch(`${url}/rest/v1/messages`, {
		method: 'POST',
		headers: {
			apikey: key,
			authorization: `Bearer ${key}`,
			'content-type': 'application/json',
			prefer: 'return=minimal',
		},
		body: JSON.stringify(batch),
	});
	await response.arrayBuffer();
	if (response.status !== 201) throw new Error(`an insert was answered with ${response.status}`);
	sent += batch.length;
}
