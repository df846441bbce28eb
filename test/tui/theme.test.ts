import {describe, expect, it} from 'vitest';
import {adapted, contrast, luminance} from '../../source/tui/screen/contrast.ts';
import {lookOf, onTint, type Colour} from '../../source/tui/screen/style.ts';
import {
	filterChip,
	focusedTint,
	headerTint,
	markedLook,
	overlayTint,
	selectedTint,
	syntax,
	tagChip,
	tagStyle,
	theme,
} from '../../source/tui/settings/theme.ts';
import {paletteOf} from '../../source/tui/settings/colours.ts';
import {defaultTagColours} from '../../source/tui/settings/tag-colour.ts';

const themes = [
	{name: 'dark', light: false, strong: false, text: 4.5, structure: 3},
	{name: 'light', light: true, strong: false, text: 4.5, structure: 3},
	{name: 'high contrast on dark', light: false, strong: true, text: 7, structure: 4.5},
	{name: 'high contrast on light', light: true, strong: true, text: 7, structure: 4.5},
];
const tints = [selectedTint, focusedTint, headerTint, overlayTint];

/** CIE 1976 L*a*b*, in which a distance of 2.3 is just noticeable. */
function lab(colour: Colour): [number, number, number] {
	const [red = 0, green = 0, blue = 0] = [colour >> 16, (colour >> 8) & 255, colour & 255].map(channel => {
		const part = channel / 255;
		return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
	});
	const [x = 0, y = 0, z = 0] = [
		(0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505,
		0.2126 * red + 0.7152 * green + 0.0722 * blue,
		(0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089,
	].map(part => (part > 0.008856 ? Math.cbrt(part) : 7.787 * part + 16 / 116));
	return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

describe.each(themes)('the theme $name', ({light, strong, text, structure}) => {
	const palette = paletteOf({light, strong});
	const grounds = light ? [0xffffff, 0xfafafa] : [0x000000, 0x101418, 0x1e1e1e];
	const behind = [...grounds, ...tints.map(tint => palette.background(tint))];

	it.each(Object.entries({...theme, ...syntax}))('shows %s clearly on each of its backgrounds', (name, style) => {
		const {fg = onTint, bg} = lookOf(style);
		const grounds = bg === undefined ? behind : [palette.background(bg)];
		const least = Math.min(...grounds.map(ground => contrast(palette.foreground(fg), ground)));
		expect(least).toBeGreaterThanOrEqual(name === 'rule' ? structure : text);
	});

	it('shows clearly what was searched for, and what a pane lets through', () => {
		for (const {fg = 0, bg = 0} of [markedLook, lookOf(filterChip)]) {
			expect(contrast(palette.foreground(fg), palette.background(bg))).toBeGreaterThanOrEqual(4.5);
		}
	});

	it('shows each tag clearly, as a word and as a chip', () => {
		for (const name of ['CLAUDE_1', 'CLAUDE_TWIN', 'HUMAN', 'UNTAGGED', 'SYSTEM', ...Array.from('ABCDEFGHIJKLMNOP')]) {
			const {fg = 0} = lookOf(tagStyle(name));
			const least = Math.min(...behind.map(ground => contrast(palette.foreground(fg), ground)));
			expect(least).toBeGreaterThanOrEqual(text);
			const chip = lookOf(tagChip(name));
			expect(contrast(palette.foreground(chip.fg ?? 0), palette.background(chip.bg ?? 0))).toBeGreaterThanOrEqual(4.5);
		}
	});

	it('shows what was searched for clearly on its mark', () => {
		const {fg = 0, bg = 0} = markedLook;
		expect(contrast(palette.foreground(fg), palette.background(bg))).toBeGreaterThanOrEqual(4.5);
	});

	it('keeps the colours of tags apart', () => {
		const shown = defaultTagColours.map(({colour}) => lab(palette.foreground(colour)));
		const distances = shown.flatMap((one, index) =>
			shown.slice(index + 1).map(other => Math.hypot(...one.map((part, at) => part - (other[at] ?? 0)))),
		);
		expect(Math.min(...distances)).toBeGreaterThan(strong ? 6 : 11);
	});

	it.runIf(light || strong)('makes an unknown colour readable', () => {
		const fresh = palette.foreground(0x303060);
		expect(Math.min(...behind.map(ground => contrast(fresh, ground)))).toBeGreaterThanOrEqual(text);
		expect(contrast(palette.foreground(onTint), palette.background(0x202030))).toBeGreaterThanOrEqual(text);
	});
});

describe('contrast', () => {
	it('is what WCAG says', () => {
		expect(contrast(0x000000, 0xffffff)).toBeCloseTo(21);
		expect(contrast(0x777777, 0xffffff)).toBeCloseTo(4.48, 2);
		expect(luminance(0xff0000)).toBeCloseTo(0.2126);
	});

	it('is reached by leaving as much of a colour as can be', () => {
		expect(adapted(0xffffff, [0x000000], 4.5)).toBe(0xffffff);
		expect(contrast(adapted(0x0000ff, [0x000000], 4.5), 0x000000)).toBeLessThan(4.7);
	});
});

describe('where there are 16 colours', () => {
	it('uses none on a light terminal that is hard to see on white', () => {
		const palette = paletteOf({light: true});
		const codes = defaultTagColours.map(({colour}) => palette.code(colour) ?? 0);
		expect(codes.filter(code => code > 90 || code === 37)).toEqual([]);
	});
});
