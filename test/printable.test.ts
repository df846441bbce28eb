import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {printable, printableLines} from '../source/printable.ts';

describe('printable', () => {
	it('leaves ordinary text of any script as it is', () => {
		for (const text of ['plain', 'é ñ 漢字 עברית', '👍 👨🏽‍🚀 🏳️‍🌈 ❤️ ☎︎ 1️⃣', 'a\u0301', ''])
			expect(printable(text)).toBe(text);
	});

	it.each([
		['\u001B[2J', '␛[2J'],
		['\u001B]8;;http://x\u0007y', '␛]8;;http://x␇y'],
		['a\nb\rc\td', 'a␊b␍c␉d'],
		['\u007F\u009B31m', '␡<U+009B>31m'],
		['\u202Eabc\u2066', '<U+202E>abc<U+2066>'],
		['zero\u200Bwidth\u200D!', 'zero<U+200B>width<U+200D>!'],
		['tag\u{E0041}', 'tag<U+E0041>'],
		['lone\uD83D', 'lone<U+D83D>'],
		['\uFEFFbom', '<U+FEFF>bom'],
	])('shows %j as %j', (text, shown) => {
		expect(printable(text)).toBe(shown);
	});

	it('keeps a joiner only between two pictographs', () => {
		expect(printable('👩\u200D💻')).toBe('👩\u200D💻');
		expect(printable('a\u200D💻')).toBe('a<U+200D>💻');
		expect(printable('👩\u200D')).toBe('👩<U+200D>');
	});

	it('never lets a byte through that a terminal acts on, and is the same when applied twice', () => {
		fc.assert(
			fc.property(fc.string({unit: 'binary', maxLength: 200}), text => {
				const shown = printable(text);
				expect(shown).not.toMatch(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069\u200B\u200E\u200F\uFEFF]/u);
				expect(printable(shown)).toBe(shown);
			}),
		);
	});
});

describe('printableLines', () => {
	it('splits at every kind of line end and expands tabs to the next stop of four', () => {
		expect(printableLines('a\tb\r\n\tc\nd\u2028e')).toEqual(['a   b', '    c', 'd', 'e']);
	});
});
