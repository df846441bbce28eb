import {readdirSync, readFileSync} from 'node:fs';
import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {joinPrintable, p, printable, printableJson, printableLines, writeTo} from '../source/printable.ts';

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
		['\u3164\u115F\u1160\uFFA0', '<U+3164><U+115F><U+1160><U+FFA0>'],
		['a\u034F\u17B4\u180B\uFE00\u{E0100}', 'a<U+034F><U+17B4><U+180B><U+FE00><U+E0100>'],
		['a\uFE0F❤\uFE0F\uFE0F', 'a<U+FE0F>❤\uFE0F<U+FE0F>'],
		['\u{16FE4}\u{13430}\uFFFE', '<U+16FE4><U+13430><U+FFFE>'],
	])('shows %j as %j', (text, shown) => {
		expect(printable(text)).toBe(shown);
	});

	it('leaves blanks that take a column of their own', () => {
		for (const blank of ['\u00A0', '\u2003', '\u3000', '\u2800']) expect(printable(`a${blank}b`)).toBe(`a${blank}b`);
	});

	it('keeps a joiner only between two pictographs', () => {
		expect(printable('👩\u200D💻')).toBe('👩\u200D💻');
		expect(printable('a\u200D💻')).toBe('a<U+200D>💻');
		expect(printable('👩\u200D')).toBe('👩<U+200D>');
	});

	it('never passes a byte that a terminal acts on, and is idempotent', () => {
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

describe('printableJson', () => {
	it('escapes everything that is invisible, also in names, and loses nothing', () => {
		fc.assert(
			fc.property(fc.string({unit: 'binary', maxLength: 200}), text => {
				const json = printableJson({[text]: [text]});
				expect(json).not.toMatch(
					/[\p{Cc}\p{Cs}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]/u,
				);
				expect(JSON.parse(json)).toEqual({[text]: [text]});
			}),
		);
	});
});

describe('what a terminal may be given', () => {
	// Checked by the compiler: a line below that compiles without its error fails `npm run types`.
	it('is never text of unknown origin', () => {
		const remote: string = JSON.parse('"\\u001b"');
		const state = remote === '' ? 'one' : 'other';
		const written: string[] = [];
		const stream = {write: (text: string) => written.push(text)};
		// @ts-expect-error any text
		writeTo(stream, remote);
		// @ts-expect-error a template that holds any text
		writeTo(stream, `${state} ${remote}`);
		// @ts-expect-error any text in a template of ours
		expect(p`${remote}`).toBe('\u001B');
		// @ts-expect-error a text that only begins with one of ours
		expect(p`${`said ${remote}`}`).toBe('said \u001B');
		// @ts-expect-error any text in a row of printable ones
		expect(joinPrintable([p`one`, remote])).toBe('one\u001B');
		// @ts-expect-error a text with something put in
		writeTo(stream, p`one`.replace('o', remote));
		writeTo(stream, p`${state} ${12} ${printable(remote)}`.slice(0, 10));
		expect(written).toEqual(['\u001B', 'other \u001B', '\u001Bne', 'other 12 ␛']);
	});

	const sources = readdirSync('source', {recursive: true, encoding: 'utf8'})
		.filter(file => /\.tsx?$/.test(file))
		.map(file => ({file: file.replaceAll('\\', '/'), text: readFileSync(`source/${file}`, 'utf8')}));

	it('is created only by the gate', () => {
		const made = sources.filter(({text}) => /\bas (?:unknown as )?(?:readonly )?Printable\b|\bPiecewise\b/.test(text));
		expect(made.map(({file}) => file)).toEqual(['printable.ts']);
	});

	it('is written in few places, each of which takes nothing else', () => {
		const raw = sources.filter(({text}) =>
			/(?:std(?:out|err)|stream|output|screen|tty|terminal)\??\.write\(/i.test(text),
		);
		expect(raw.map(({file}) => file).sort()).toEqual([
			// An old Node gets as far as this sentence, which is ours, and no further.
			'cli.ts',
			'commands/cli/output.ts',
			// An empty text, which says when all before it is written.
			'commands/serve/mailbox-server.ts',
			// JSON for the client whose hook it is.
			'commands/serve/run-hook.ts',
			'printable.ts',
			// Cells of printable text, and our own sequences around them.
			'tui/screen/screen.ts',
			// The frames of screen.ts on their way.
			'tui/terminal/output.ts',
			// What Node and libraries wrote while a screen held the terminal, once it is given back.
			'tui/terminal/stderr.ts',
			'tui/terminal/terminal.ts',
		]);
		const inked = sources.filter(({text}) => /import \{[^}]*\bText\b[^}]*\} from 'ink'/.test(text));
		expect(inked.map(({file}) => file)).toEqual(['tui/view/text.tsx']);
	});
});
