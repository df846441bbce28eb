import {reportsIn, type Report} from './report.ts';

/** A run of typed text, a key by its name (`^a`, `alt-b`, `up`, `enter`), or a whole paste. */
export type Input =
	| {readonly type: 'text'; readonly text: string}
	| {readonly type: 'key'; readonly key: string}
	| {readonly type: 'paste'; readonly text: string};

export interface Keyboard {
	/** The inputs in a chunk of bytes from the terminal; an incomplete one waits for the next chunk. */
	push(chunk: string): Array<Input | Report>;
	/** Whether an ESC is pending, alone or with one character. If nothing follows shortly, it was a key press. */
	readonly waits: boolean;
	/** Returns what is pending as keys. */
	release(): Array<Input | Report>;
}

const pasteBegins = '\u001B[200~';
const pasteEnds = '\u001B[201~';

const finals: Record<string, string> = {
	A: 'up',
	B: 'down',
	C: 'right',
	D: 'left',
	F: 'end',
	H: 'home',
	Z: 'shift-tab',
	M: 'enter',
};
const numbers: Record<string, string> = {
	1: 'home',
	2: 'insert',
	3: 'delete',
	4: 'end',
	5: 'pageup',
	6: 'pagedown',
	7: 'home',
	8: 'end',
};
const controls: Record<string, string> = {
	'\r': 'enter',
	'\t': 'tab',
	'\u007F': 'backspace',
	'\b': 'backspace',
	'\u001B': 'escape',
};

/** Milliseconds that the rest of a sequence may take to arrive: a slow connection splits it anywhere. */
const maxPause = 1000;
/** An ESC, or the first two characters of a sequence, which may also be an Alt key. */
const possibleKey = /^\u001B[[O\]P_]?$/;
/** What can only be a sequence, although its ESC came much earlier and was taken for the key. */
const continuation = /^\u001B(?:\[(?:$|[0-9;<=>?]*(?:$|[ -/]*[A-Za-z~]))|O(?:$|[A-DFHMPQRS])|\](?:$|\d))/;

/**
 * Turns what a terminal sends into inputs, and drops sequences that are neither a key nor a report. If an ESC was split from
 * its sequence, it has already been reported as the key; the rest is still read as a sequence, not as letters that would be
 * commands. `now`: milliseconds.
 */
export function createKeyboard(now: () => number = performance.now.bind(performance)): Keyboard {
	let rest = '';
	let pasted: string | null = null;
	/** The beginning of a sequence that was already reported as keys. */
	let orphan = '';
	let latest = -Infinity;

	function read(): Array<Input | Report> {
		const inputs: Array<Input | Report> = [];
		while (rest !== '') {
			if (pasted !== null) {
				const end = rest.indexOf(pasteEnds);
				if (end === -1) {
					// The end mark itself may be split across chunks.
					const keep = overlap(rest, pasteEnds);
					pasted += rest.slice(0, rest.length - keep);
					rest = rest.slice(rest.length - keep);
					break;
				}
				inputs.push({type: 'paste', text: pasted + rest.slice(0, end)});
				rest = rest.slice(end + pasteEnds.length);
				pasted = null;
				continue;
			}
			const size = sizeOfNext(rest);
			if (size === 0) break;
			const piece = rest.slice(0, size);
			rest = rest.slice(piece.length);
			if (piece === pasteBegins) pasted = '';
			else inputs.push(...inputsOf(piece));
		}
		return inputs;
	}

	return {
		push(chunk) {
			if (chunk === '') return [];
			const isStale = now() - latest > maxPause;
			latest = now();
			// Drop a sequence that was never completed.
			if (isStale && pasted === null) rest = '';
			const continued = !isStale && rest === '' && continuation.test(orphan + chunk);
			rest += continued ? orphan + chunk : chunk;
			if (!continued) orphan = '';
			const inputs = read();
			if (rest === '') orphan = '';
			return inputs;
		},
		get waits() {
			return pasted === null && possibleKey.test(rest);
		},
		release() {
			if (pasted !== null || !possibleKey.test(rest)) return [];
			const piece = rest;
			// Its ESC has already been reported.
			const inputs = orphan === '' ? inputsOf(piece) : [{type: 'text' as const, text: piece.slice(orphan.length)}];
			orphan = piece;
			rest = '';
			return inputs;
		},
	};
}

const printing = /^[^\u0000-\u001F\u007F]+/u;

/** The length of the first run of text, key or sequence; 0 if it is still incomplete. */
function sizeOfNext(text: string): number {
	const run = printing.exec(text);
	if (run !== null) return run[0].length;
	if (!text.startsWith('\u001B')) return 1;
	if (text.length === 1) return 0;
	const kind = text.charAt(1);
	if (kind === '[') return sizeOfSequence(text, 2);
	if (kind === 'O') return text.length > 2 ? 3 : 0;
	if (kind === ']' || kind === 'P' || kind === '_') return sizeOfString(text);
	if (kind === '\u001B') return 1;
	return 1 + String.fromCodePoint(text.codePointAt(1) ?? 0).length;
}

/** CSI: parameters, then one final byte. An old-style mouse report has three more bytes. */
function sizeOfSequence(text: string, from: number): number {
	if (text.startsWith('\u001B[M')) return text.length >= 6 ? 6 : 0;
	// The Linux console's function keys: ESC [ [ A.
	for (let at = text.charAt(from) === '[' ? from + 1 : from; at < text.length; at++) {
		const code = text.charCodeAt(at);
		if (code >= 0x40 && code <= 0x7e) return at + 1;
		if (code < 0x20 || code > 0x3f) return at;
	}
	return 0;
}

/** A string sequence, up to its terminator; dropped if it has none within 4096 characters. */
function sizeOfString(text: string): number {
	const end = /\u0007|\u001B\\/u.exec(text);
	if (end !== null) return end.index + end[0].length;
	return text.length > 4096 ? 2 : 0;
}

function inputsOf(piece: string): Array<Input | Report> {
	if (printing.test(piece)) return [{type: 'text', text: piece}];
	const named = controls[piece];
	if (named !== undefined) return [{type: 'key', key: named}];
	if (piece === '\u0000') return [{type: 'key', key: '^ '}];
	if (piece.length === 1) {
		// ^A to ^Z in lower case, then ^\ ^] ^^ ^_.
		const code = piece.charCodeAt(0);
		return [{type: 'key', key: `^${String.fromCharCode(code + (code <= 26 ? 0x60 : 0x40))}`}];
	}
	const reports = reportsIn(piece);
	if (reports.length > 0) return reports;
	const sequence = /^\u001B(?:\[|O)(?:(\d+)(?:;(\d+))?)?([A-Za-z~])$/u.exec(piece);
	if (sequence !== null) return keyOf(sequence[1], sequence[2], sequence[3] ?? '');
	if (/^\u001B[[O\]P_]./su.test(piece)) return [];
	const letter = piece.slice(1);
	return [{type: 'key', key: `alt-${controls[letter] ?? letter}`}];
}

function keyOf(number: string | undefined, modifier: string | undefined, final: string): Input[] {
	const name = final === '~' ? numbers[number ?? ''] : finals[final];
	if (name === undefined) return [];
	const bits = Number(modifier ?? 1) - 1;
	const prefix = `${(bits & 4) === 0 ? '' : '^'}${(bits & 2) === 0 ? '' : 'alt-'}`;
	return [{type: 'key', key: `${prefix}${name}`}];
}

/** How many characters at the end of `text` are a beginning of `mark`. */
function overlap(text: string, mark: string): number {
	for (let size = Math.min(text.length, mark.length - 1); size > 0; size--) {
		if (text.endsWith(mark.slice(0, size))) return size;
	}
	return 0;
}
