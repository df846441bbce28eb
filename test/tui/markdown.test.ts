import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {documentLines} from '../../source/tui/markdown/blocks.ts';
import {readDocument} from '../../source/tui/markdown/document.ts';
import {highlighted} from '../../source/tui/markdown/highlight.ts';
import {addressesOf, namesTarget, webAddress} from '../../source/tui/markdown/link.ts';
import {fitted} from '../../source/tui/markdown/table.ts';
import type {Strip} from '../../source/tui/screen/strip.ts';
import {lookOf, plain, type Look} from '../../source/tui/screen/style.ts';
import {tagStrong, theme} from '../../source/tui/settings/theme.ts';

function laid(text: string, width = 40, most = 500, limit = 50_000): Strip[] {
	const lines: Strip[] = [];
	for (const line of documentLines(readDocument(text, limit), {width, base: theme.text, maxLines: most})) {
		if (lines.length >= most) break;
		lines.push(line);
	}
	return lines;
}

function shown(text: string, width?: number): string[] {
	return laid(text, width).map(({glyphs}) => glyphs.join('').trimEnd());
}

/** The look of the first cell of a text, wherever it is. */
function lookAt(lines: readonly Strip[], text: string): Look {
	for (const {glyphs, styles} of lines) {
		const at = glyphs.join('').indexOf(text);
		if (at >= 0) return lookOf(styles[at] ?? plain);
	}
	throw new Error(`There is no ${text} in ${lines.map(({glyphs}) => glyphs.join('')).join('\n')}`);
}

describe('Markdown within a line', () => {
	it('is emphasis, strong, struck and code, and the marks are gone', () => {
		const lines = laid('a *leaning* and **heavy** and ~~gone~~ and `code` here');
		expect(lines.map(({glyphs}) => glyphs.join('')).join(' ')).toBe('a leaning and heavy and gone and  code  here');
		expect(lookAt(lines, 'leaning')).toMatchObject({italic: true});
		expect(lookAt(lines, 'heavy')).toMatchObject({bold: true});
		expect(lookAt(lines, 'gone')).toMatchObject({strike: true});
		expect(lookAt(lines, 'code')).toEqual(lookOf(theme.code));
	});

	it('leaves names with underscores, globs and arithmetic alone', () => {
		expect(shown('task_x_results *.ts 2 * 3 * 4 a_b_c', 80)).toEqual(['task_x_results *.ts 2 * 3 * 4 a_b_c']);
	});

	it('keeps mentions and numbers in their colours, also in emphasis, but not in code', () => {
		const lines = laid('**@CLAUDE_1** #12 `@CLAUDE_2`', 60);
		expect(lookAt(lines, '@CLAUDE_1')).toMatchObject(lookOf(tagStrong('CLAUDE_1')));
		expect(lookAt(lines, '#12')).toMatchObject(lookOf(theme.task));
		expect(lookAt(lines, '@CLAUDE_2')).toEqual(lookOf(theme.code));
	});

	it('keeps the lines that the author broke, and shows HTML and entities as they were written', () => {
		expect(shown('one\ntwo\n<b>three</b> &lt;&#27;[31m')).toEqual(['one', 'two', '<b>three</b> &lt;&#27;[31m']);
	});
});

describe('links', () => {
	it('lead only to web addresses; everything else is text', () => {
		for (const [href, address] of [
			['https://a.example/b?c=d#e', 'https://a.example/b?c=d#e'],
			['HTTP://A.example', 'http://a.example/'],
			['https://аpple.example/', 'https://xn--pple-43d.example/'],
			['https://a.example/"\'<>ü', "https://a.example/%22'%3C%3E%C3%BC"],
			['javascript:alert(1)', undefined],
			['file:///etc/passwd', undefined],
			['data:text/html,x', undefined],
			['//a.example', undefined],
			['src/a.ts', undefined],
			['https://', undefined],
			[`https://a.example/${'x'.repeat(3000)}`, undefined],
		] as const) {
			expect(webAddress(href)?.href).toBe(address);
		}
		expect(lookAt(laid('[x](javascript:alert(1))'), 'x')).toEqual({});
		expect(shown('[x](javascript:alert(1)) [y](../a.md)')).toEqual(['x (javascript:alert(1)) y (../a.md)']);
	});

	it('show their host if the text does not', () => {
		expect(shown('[the docs](https://docs.example/a)')).toEqual(['the docs (docs.example)']);
		expect(shown('https://docs.example/a and <https://docs.example/b>', 80)).toEqual([
			'https://docs.example/a and https://docs.example/b',
		]);
		expect(shown('[https://bank.example](https://evil.example/)', 60)).toEqual(['https://bank.example (evil.example)']);
		expect(shown('![a chart](https://img.example/c.png)')).toEqual(['a chart (img.example)']);
		expect(lookAt(laid('[the docs](https://docs.example/a)'), 'the docs').link).toBe('https://docs.example/a');
	});

	it('are not fooled by a host that looks similar or comes before an @', () => {
		const is = (text: string, href: string) => namesTarget(text, webAddress(href) ?? new URL('http://none.invalid'));
		expect(is('docs.example/a', 'https://docs.example/a')).toBe(true);
		expect(is('https://аpple.example/', 'https://аpple.example/')).toBe(false);
		expect(is('https://bank.example@evil.example/', 'https://bank.example@evil.example/')).toBe(false);
		expect(is('https://bank.example/x', 'https://bank.example/y')).toBe(false);
	});

	it('are found wherever they stand, once each', () => {
		const text = [
			'**[a](https://a.example)** and `curl https://b.example/x`',
			'> - [c][ref] <https://a.example>',
			'```\nGET https://d.example/y.\n```',
			'| t |\n|---|\n| https://e.example |',
			'[bad](javascript:x)\n\n[ref]: https://c.example',
		].join('\n\n');
		expect(addressesOf(readDocument(text, 10_000))).toEqual([
			'https://a.example/',
			'https://b.example/x',
			'https://c.example/',
			'https://d.example/y',
			'https://e.example/',
		]);
	});
});

describe('blocks', () => {
	it('are lists: nested, numbered, with boxes, and what is wrapped stands below its text', () => {
		expect(shown('- one two three four five six\n  1. first\n  2. second\n- [x] done\n- [ ] open', 20)).toEqual([
			'· one two three four',
			'  five six',
			'  1. first',
			'  2. second',
			'✓ done',
			'○ open',
		]);
		expect(shown('9. nine\n10. ten')).toEqual([' 9. nine', '10. ten']);
		expect(shown('- [ ] apart\n\n- [x] from each other')).toEqual(['○ apart', '', '✓ from each other']);
	});

	it('are quotes, headings and rules', () => {
		expect(shown('# Title\n\n> said\n> > before\n\n---', 10)).toEqual([
			'Title',
			'',
			'▏ said',
			'▏ ▏ before',
			'',
			'─'.repeat(10),
		]);
		expect(lookAt(laid('# Title'), 'Title')).toMatchObject({bold: true, underline: true});
	});

	it('are code below a line with its language, in colours, and nothing in it is Markdown', () => {
		const code = '```sql\nselect *x* from a -- why\n\n    indented\n```';
		expect(shown(code, 30)).toEqual([`── sql ${'─'.repeat(23)}`, ' select *x* from a -- why', '', '     indented']);
		const spans = highlighted('select 1 -- why', 'sql')?.flat() ?? [];
		expect(spans.map(({text}) => text).join('')).toBe('select 1 -- why');
		expect(new Set(spans.map(({style}) => style)).size).toBeGreaterThan(2);
		expect(highlighted('x', 'no such language')).toBeNull();
	});

	it('are code that keeps every character through the highlighter', () => {
		fc.assert(
			fc.property(
				fc.array(fc.constantFrom('<', '>', '&', '"', "'", '\n', ' ', 'if', '//', '/*', '&amp;', '</span>', 'é', '日'), {
					maxLength: 40,
				}),
				fc.constantFrom('typescript', 'sql', 'bash', 'python', 'xml', 'json', 'diff'),
				(parts, language) => {
					const lines = highlighted(parts.join(''), language) ?? [];
					expect(lines.map(line => line.map(({text}) => text).join('')).join('\n')).toBe(parts.join(''));
				},
			),
		);
	});

	it('are tables that fit: numbers at the right, long cells wrapped, the last line of them cut', () => {
		const table = '| name | rows |\n|:--|--:|\n| orders | 18204 |\n| c | 7 |';
		expect(shown(table)).toEqual(['name     rows', '──────  ─────', 'orders  18204', 'c           7']);
		const long = `| a | b |\n|---|---|\n| x | ${'word '.repeat(30)} |`;
		const lines = shown(long, 20);
		expect(lines.slice(0, 3)).toEqual(['a  b', `─  ${'─'.repeat(17)}`, 'x  word word word']);
		expect(lines.at(-1)).toMatch(/^ {3}word word word.*…$/u);
		expect(lines).toHaveLength(5);
		const many = `|${'a|'.repeat(30)}\n|${'-|'.repeat(30)}\n|${'1|'.repeat(30)}`;
		expect(shown(many, 24)[0]).toMatch(/^a {2}a .*…$/u);
	});

	it('share the room of a table fairly', () => {
		expect(fitted([3, 4], 20)).toEqual([3, 4]);
		expect(fitted([3, 50, 50], 43)).toEqual([3, 20, 20]);
		fc.assert(
			fc.property(
				fc.array(fc.integer({min: 1, max: 60}), {minLength: 1, maxLength: 8}),
				fc.nat(80),
				(natural, more) => {
					const room = natural.length + more;
					const widths = fitted(natural, room);
					expect(widths.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(room);
					widths.forEach((width, column) => {
						expect(width).toBeGreaterThan(0);
						expect(width).toBeLessThanOrEqual(natural[column] ?? 0);
					});
				},
			),
		);
	});
});

describe('malicious text', () => {
	const pieces = [
		'\u001B[31m \u001B]8;;https://x.example\u0007 \u0007 \u009B2J \u202E \u200B \uD800 \r \t \u2028'.split(' '),
		['\n', '\n\n', '  \n', ' ', '    ', '# ', '> ', '- ', '1. ', '- [ ] ', '```', '```sql\n', '~~~', '`', '``'],
		'* ** _ ~~ [ ]( ) ![ < > <b> <!-- | |---| \n|-|-|\n --- === \\ &#27; &#x9b; &amp;'.split(' '),
		'https://a.example/ javascript:x [r]:\u00A0https://r.example 日本 👩‍👩‍👧‍👦 e\u0301 שלום word @CLAUDE_1 #12'.split(' '),
		['W'.repeat(90), '\u0301'.repeat(40), '\n[r]: https://r.example\n'],
	].flat();
	const hostile = fc.array(fc.constantFrom(...pieces), {maxLength: 60}).map(parts => parts.join(''));

	it('never becomes a control byte, a line wider than the pane, or a link other than to the web', () => {
		fc.assert(
			fc.property(hostile, fc.integer({min: 14, max: 60}), (text, width) => {
				for (const {glyphs, styles} of laid(text, width)) {
					expect(glyphs.length).toBeLessThanOrEqual(width);
					expect(styles).toHaveLength(glyphs.length);
					expect(glyphs.join('')).not.toMatch(/[\p{Cc}\p{Cs}\u2028\u2029\u202A-\u202E\u2066-\u2069]/u);
					for (const each of styles) expect(lookOf(each).link ?? 'https://').toMatch(/^https?:\/\/[!-~]*$/u);
				}
			}),
			{numRuns: 400},
		);
	});

	it('loses no letter', () => {
		const words = fc.array(
			fc.constantFrom('alpha', '**beta**', '_gamma_', '- delta', '> epsilon', '\n', '\n\n', '# zeta'),
			{
				maxLength: 30,
			},
		);
		fc.assert(
			fc.property(words, parts => {
				const letters = (text: string) => text.replaceAll(/[^a-z]/gu, '');
				expect(letters(shown(parts.join(' ')).join(''))).toBe(letters(parts.join(' ')));
			}),
		);
	});

	it.each([
		['quotes in quotes', '> '.repeat(100_000)],
		['lists in lists', '1. '.repeat(80_000)],
		['a table of a thousand columns', `${'|a'.repeat(1000)}\n${'|-'.repeat(1000)}\n${'|a|b\n'.repeat(50_000)}`],
		['one word', 'W'.repeat(262_144)],
		['ten thousand words without a space', 'word-'.repeat(10_000)],
		['marks alone', '\u0301'.repeat(100_000)],
		['letters of the other direction', 'שלום '.repeat(20_000)],
		['open brackets', '['.repeat(262_144)],
		['emphasis', '***a** '.repeat(30_000)],
		['lines', 'a\n'.repeat(130_000)],
	])('ends with as many lines as were asked for: %s', (_, text) => {
		const lines = laid(text, 60, 40, 12_000);
		expect(lines.length).toBeGreaterThan(0);
		expect(lines.length).toBeLessThanOrEqual(40);
		expect(lines.every(({glyphs}) => glyphs.length <= 60)).toBe(true);
	});

	it('is read as Markdown up to the limit, and shown as it is after it, with nothing lost between', () => {
		const text = `**bold** ${'word '.repeat(40)}\n`.repeat(40);
		const all = shown(text.trim(), 80).join(' ');
		const cut = laid(text.trim(), 80, 500, 2000)
			.map(({glyphs}) => glyphs.join(''))
			.join(' ');
		expect(cut.match(/word/gu)).toHaveLength(all.match(/word/gu)?.length ?? 0);
		expect(cut).toContain('**bold**');
		expect(cut.startsWith('bold')).toBe(true);
	});
});
