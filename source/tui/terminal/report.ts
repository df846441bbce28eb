import type {Colour} from '../screen/style.ts';

/** What a terminal says by itself or when asked, and nobody typed. */
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
	/** The desktop went from light to dark or back (mode 2031): the background is another one. */
	| {readonly type: 'scheme'};

/** The report in one whole sequence; empty where it is none that we use. */
export function reportsIn(sequence: string): Report[] {
	if (sequence === '\u001B[I' || sequence === '\u001B[O') return [{type: 'focus', focused: sequence.endsWith('I')}];
	if (/^\u001B\[\?997;[12]n$/.test(sequence)) return [{type: 'scheme'}];
	return [...mouseIn(sequence), ...backgroundIn(sequence)];
}

/** SGR mouse reports (mode 1006): `ESC [ < button ; column ; row M`, with `m` for a release. */
function mouseIn(sequence: string): Report[] {
	const [, button = '', column = '', row = '', final] = /^\u001B\[<(\d+);(\d+);(\d+)([Mm])$/.exec(sequence) ?? [];
	if (final !== 'M') return [];
	// Shift, Alt and Ctrl are added; what is clicked with them is still clicked.
	const what = ({0: 'press', 64: 'wheel_up', 65: 'wheel_down'} as const)[Number(button) & ~28];
	return what === undefined ? [] : [{type: 'mouse', what, x: Number(column) - 1, y: Number(row) - 1}];
}

/** OSC 11, in the X11 notation of 1 to 4 hexadecimal digits a channel: `rgb:1e1e/1e1e/1e1e`. */
function backgroundIn(sequence: string): Report[] {
	const digits = /^\u001B\]11;rgba?:([0-9a-f]{1,4})\/([0-9a-f]{1,4})\/([0-9a-f]{1,4})/i.exec(sequence);
	if (digits === null) return [];
	const channels = digits.slice(1, 4).map(hex => Math.round((Number.parseInt(hex, 16) / (16 ** hex.length - 1)) * 255));
	return [{type: 'background', colour: channels.reduce((colour, channel) => colour * 256 + channel, 0)}];
}
