import type {Colour} from '../screen/style.ts';

/** What a terminal reports, unasked or as an answer; not typed. */
export type Report =
	| {
			readonly type: 'mouse';
			readonly what: 'press' | 'wheel_up' | 'wheel_down';
			/** Counted from 0. */
			readonly x: number;
			readonly y: number;
	  }
	| {readonly type: 'focus'; readonly focused: boolean}
	| {readonly type: 'background'; readonly colour: Colour}
	/** The desktop switched between light and dark (mode 2031), so the background may have changed. */
	| {readonly type: 'scheme'};

/** The report in a complete sequence; empty if it is not one that we use. */
export function reportsIn(sequence: string): Report[] {
	if (sequence === '\u001B[I' || sequence === '\u001B[O') return [{type: 'focus', focused: sequence.endsWith('I')}];
	if (/^\u001B\[\?997;[12]n$/.test(sequence)) return [{type: 'scheme'}];
	return [...mouseIn(sequence), ...backgroundIn(sequence)];
}

/** SGR mouse reports (mode 1006): `ESC [ < button ; column ; row M`, with `m` for a release. */
function mouseIn(sequence: string): Report[] {
	const [, button = '', column = '', row = '', final] = /^\u001B\[<(\d+);(\d+);(\d+)([Mm])$/.exec(sequence) ?? [];
	if (final !== 'M') return [];
	// The bits of Shift, Alt and Ctrl are ignored.
	const what = ({0: 'press', 64: 'wheel_up', 65: 'wheel_down'} as const)[Number(button) & ~28];
	return what === undefined ? [] : [{type: 'mouse', what, x: Number(column) - 1, y: Number(row) - 1}];
}

/** OSC 11, in X11's notation with 1 to 4 hexadecimal digits per channel: `rgb:1e1e/1e1e/1e1e`. */
function backgroundIn(sequence: string): Report[] {
	const digits = /^\u001B\]11;rgba?:([0-9a-f]{1,4})\/([0-9a-f]{1,4})\/([0-9a-f]{1,4})/i.exec(sequence);
	if (digits === null) return [];
	const channels = digits.slice(1, 4).map(hex => Math.round((Number.parseInt(hex, 16) / (16 ** hex.length - 1)) * 255));
	return [{type: 'background', colour: channels.reduce((colour, channel) => colour * 256 + channel, 0)}];
}
