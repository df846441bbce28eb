import {readdir, readFile} from 'node:fs/promises';
import {expect, it} from 'vitest';
import {svgOf} from '../../docs/pictures/svg.ts';
import {views} from '../../docs/pictures/views.ts';
import type {DrawnCell} from '../helpers/terminal.ts';

const folder = new URL('../../docs/pictures/', import.meta.url);
const blank: DrawnCell = {
	glyph: '',
	width: 1,
	ink: null,
	ground: null,
	bold: false,
	italic: false,
	dim: false,
	underline: false,
	struck: false,
};
const ground = {ink: '#eeeeee', paper: '#000000'};
const row = (text: string, look: Partial<DrawnCell> = {}) => Array.from(text, glyph => ({...blank, ...look, glyph}));

it('there is one picture of each view, and the README shows no other', async () => {
	const files = (await readdir(folder)).filter(name => name.endsWith('.svg'));
	expect(files.sort()).toEqual(views.map(({name}) => `${name}.svg`).sort());
	const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
	const shown = [...readme.matchAll(/docs\/pictures\/([a-z-]+)\.svg/g)].map(([, name]) => `${name}.svg`);
	expect(shown.length).toBeGreaterThan(0);
	expect(files).toEqual(expect.arrayContaining(shown));
});

it.each(views)('draws $name without a script, a link or a path of the machine it was taken on', async ({name}) => {
	const svg = await readFile(new URL(`${name}.svg`, folder), 'utf8');
	expect(svg).not.toMatch(/<script|href|url\(|\/tmp\/|\/home\//);
	expect(svg.length).toBeLessThan(80_000);
});

it('keeps words in their cells, draws lines so that they meet, and gives a wide letter two cells', () => {
	const line = [...row('ab cd'), ...row('──'), {...blank, glyph: '日', width: 2}, {...blank, width: 0}, ...row('x')];
	const svg = svgOf([line], ground, 'a < b');
	expect(svg).toContain('<title>a &lt; b</title>');
	expect(svg).toMatch(/<text x="0" y="14.5" textLength="45" lengthAdjust="spacingAndGlyphs" [^>]*>ab cd<\/text>/);
	expect(svg).toMatch(/<rect x="45" y="9" width="18" height="1" /);
	expect(svg).toMatch(/<text x="72" y="14.5" text-anchor="middle" [^>]*>日<\/text>/);
	expect(svg).toMatch(/<text x="81" y="14.5" class="c\d">x<\/text>/);
});

it('paints each stretch of a background once, and what is bold, italic or struck as such', () => {
	const tint = {ground: '#112233'};
	const svg = svgOf(
		[[...row('ab', {...tint, bold: true}), ...row('c', {...tint, italic: true, struck: true})]],
		ground,
		'',
	);
	expect(svg.match(/<rect x="0" y="0" width="27" height="19"/g)).toHaveLength(1);
	expect(svg).toContain('fill:#eeeeee;font-weight:bold');
	expect(svg).toContain('fill:#eeeeee;font-style:italic');
	expect(svg).toMatch(/<rect x="18" y="9" width="9" height="1"/);
});
