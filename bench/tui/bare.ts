// The floor: the same content written by hand. Each frame writes every row of every pane where it stands, each key only itself.
import {newest, openStore, panesOf, whenChanged, type Pane} from './content.ts';

const {stdin, stdout} = process;
const store = openStore();
const {columns, rows} = stdout;
const panes = panesOf(columns, rows);
let typed = '';

function linesOf(pane: Pane): string[] {
	const lines: string[] = [];
	for (const {tag, body, created_at} of newest(store, pane)) {
		lines.push('', `\u001B[1m${created_at.slice(11, 19)} ${tag}\u001B[m`.padEnd(pane.width));
		for (let at = 0; at < body.length; at += pane.width) lines.push(body.slice(at, at + pane.width));
	}
	return lines.slice(-pane.height);
}

function draw(): void {
	let bytes = '\u001B[?2026h';
	for (const pane of panes) {
		const lines = linesOf(pane);
		for (let row = 0; row < pane.height; row++) {
			bytes += `\u001B[${pane.y + row + 1};${pane.x + 1}H\u001B[${pane.width}X${lines[row] ?? ''}`;
		}
	}
	stdout.write(`${bytes}\u001B[${rows - 1};${typed.length + 3}H\u001B[?2026l`);
}

stdin.setRawMode(true);
stdin.on('data', keys => {
	for (const key of String(keys)) {
		typed += key;
		const place = `\u001B[${rows - 1};${typed.length + 3}H`;
		stdout.write(`\u001B[?2026h\u001B[${rows - 1};${typed.length + 2}H${key}${place}\u001B[?2026l`);
	}
});
process.on('SIGTERM', () => process.exit());
stdout.write(`\u001B[?1049h\u001B[2J\u001B[${rows - 1};1H> `);
await store.ready;
stdout.write('peer is ready');
whenChanged(store, draw);
draw();
