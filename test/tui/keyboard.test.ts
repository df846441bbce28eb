import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {createKeyboard, type Input} from '../../source/tui/terminal/keyboard.ts';
import type {Report} from '../../source/tui/terminal/report.ts';

function heard(...chunks: string[]): Array<Input | Report> {
	const keyboard = createKeyboard();
	return [...chunks.flatMap(chunk => keyboard.push(chunk)), ...keyboard.release()];
}

function typed(...chunks: string[]): Input[] {
	return heard(...chunks).filter(each => each.type === 'text' || each.type === 'key' || each.type === 'paste');
}

/** Text of neighbouring pieces as one, as it may be cut anywhere. */
function joined(inputs: readonly Input[]): Input[] {
	const together: Input[] = [];
	for (const input of inputs) {
		const last = together.at(-1);
		if (input.type === 'text' && last?.type === 'text')
			together[together.length - 1] = {type: 'text', text: last.text + input.text};
		else together.push(input);
	}
	return together;
}

describe('the keyboard', () => {
	it('passes on fast typing as one text', () => {
		expect(typed('jjj')).toEqual([{type: 'text', text: 'jjj'}]);
	});

	it('knows keys by their names, whatever stands around them', () => {
		const inputs = typed('hi\r\n\t\u007F\u0001\u001B[A\u001BOB\u001Bb\u001B[Z\u001B[3~\u001B[1;5C\u001B[5~x');
		expect(inputs.map(input => (input.type === 'key' ? input.key : input.text))).toEqual([
			'hi',
			'enter',
			'^j',
			'tab',
			'backspace',
			'^a',
			'up',
			'down',
			'alt-b',
			'shift-tab',
			'delete',
			'^right',
			'pageup',
			'x',
		]);
	});

	it('tells the control keys beyond the letters apart from them', () => {
		expect(typed('\u001F\u001C\u001D\u0014')).toEqual(['^_', '^\\', '^]', '^t'].map(key => ({type: 'key', key})));
	});

	it('treats a lone ESC as the key if nothing follows', () => {
		const keyboard = createKeyboard();
		expect(keyboard.push('\u001B')).toEqual([]);
		expect(keyboard.waits).toBe(true);
		expect(keyboard.release()).toEqual([{type: 'key', key: 'escape'}]);
		expect(keyboard.waits).toBe(false);
	});

	it('passes on a bracketed paste in one piece, whatever is in it', () => {
		expect(typed('a\u001B[200~q\rq\u001B[A\u001B[201~b')).toEqual([
			{type: 'text', text: 'a'},
			{type: 'paste', text: 'q\rq\u001B[A'},
			{type: 'text', text: 'b'},
		]);
	});

	it('distinguishes reports of mouse, focus and background from typing', () => {
		const said = 'a\u001B[<0;10;3M\u001B[<0;10;3m\u001B[<69;1;1M\u001B[I\u001B[O\u001B[?997;2n';
		expect(heard(`${said}\u001B]11;rgb:ffff/8080/0000\u0007\u001B]11;rgb:1/2/f\u001B\\b`)).toEqual([
			{type: 'text', text: 'a'},
			{type: 'mouse', what: 'press', x: 9, y: 2},
			{type: 'mouse', what: 'wheel_down', x: 0, y: 0},
			{type: 'focus', focused: true},
			{type: 'focus', focused: false},
			{type: 'scheme'},
			{type: 'background', colour: 0xff8000},
			{type: 'background', colour: 0x1122ff},
			{type: 'text', text: 'b'},
		]);
	});

	it('ignores function keys, old mouse reports and unexpected responses', () => {
		const noise = [
			'\u001B[M !!',
			'\u001B[15~',
			'\u001BOP',
			'\u001B]4;1;rgb:00/00/00\u0007',
			'\u001B[<35;10;10M',
			'\u001B[?62;4c',
			'\u001B[24;80R',
		];
		expect(typed(noise.join(''))).toEqual([]);
	});

	it('reads the same wherever the bytes are cut', () => {
		const piece = fc.constantFrom(
			'j',
			'text',
			'ü',
			'👍🏽',
			'\r',
			'\u001B[A',
			'\u001B[1;5C',
			'\u001B[200~p\rq\u001B[201~',
			'\u001Bb',
			'\u001B[<0;1;1M',
			'\u0001',
		);
		fc.assert(
			fc.property(fc.array(piece, {maxLength: 12}), fc.array(fc.nat(60), {maxLength: 6}), (pieces, cuts) => {
				const whole = pieces.join('');
				const at = [...new Set(cuts.map(cut => cut % (whole.length + 1)))].sort((one, other) => one - other);
				const chunks = [0, ...at].map((from, index) => whole.slice(from, at[index] ?? whole.length));
				// A decoder upstream never cuts a character in two.
				fc.pre(chunks.every(chunk => chunk.isWellFormed()));
				expect(joined(typed(...chunks))).toEqual(joined(typed(whole)));
			}),
		);
	});

	it('does not turn a sequence that arrives in two halves into letters, which would be commands', () => {
		const sequence = fc.constantFrom(
			'\u001B[A',
			'\u001BOB',
			'\u001B[3~',
			'\u001B[1;5C',
			'\u001B[200~q\rq\u001B[201~',
			'\u001B[<0;12;7M',
			'\u001B[I',
			'\u001B]11;rgb:0000/0000/0000\u0007',
		);
		fc.assert(
			fc.property(sequence, fc.nat(30), fc.nat(30), (text, first, second) => {
				let now = 0;
				const keyboard = createKeyboard(() => now);
				const [from = 0, to = 0] = [first % text.length, second % text.length].sort((one, other) => one - other);
				const inputs = [text.slice(0, from), text.slice(from, to), text.slice(to)].flatMap(chunk => {
					now += 300;
					return [...keyboard.push(chunk), ...keyboard.release()];
				});
				// An ESC by itself is the key: it goes back, and destroys nothing. A bracket after it is bound to nothing.
				const harmless = new Set(['escape', 'alt-[', 'alt-O', 'alt-]', '[', 'O', ']']);
				const whole = new Set(heard(text).map(each => JSON.stringify(each)));
				const others = inputs.filter(
					each =>
						!whole.has(JSON.stringify(each)) &&
						!(each.type === 'key' && harmless.has(each.key)) &&
						!(each.type === 'text' && harmless.has(each.text)),
				);
				expect(others).toEqual([]);
			}),
		);
	});

	it('treats bytes long after an ESC on their own', () => {
		let now = 0;
		const keyboard = createKeyboard(() => now);
		keyboard.push('\u001B');
		keyboard.release();
		now = 1500;
		expect(keyboard.push('[A')).toEqual([{type: 'text', text: '[A'}]);
	});

	it('recovers from any input', () => {
		fc.assert(
			fc.property(
				fc.array(fc.string({unit: fc.constantFrom('\u001B', '[', '2', '0', '~', 'O', 'M', ';', '\r', 'a', ']')})),
				chunks => {
					const keyboard = createKeyboard();
					for (const chunk of chunks) keyboard.push(chunk);
					keyboard.release();
					keyboard.push('\u001B[201~\u0007');
					keyboard.release();
					expect(keyboard.push('j').at(-1)).toEqual({type: 'text', text: 'j'});
				},
			),
		);
	});
});
