import type {Colour} from './style.ts';

/** Relative luminance, 0 (black) to 1 (white), as WCAG 2.2 defines it. */
export function luminance(colour: Colour): number {
	const [red, green, blue] = channels(colour).map(channel => {
		const part = channel / 255;
		return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
	});
	return 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0);
}

/** Contrast ratio of two colours, 1 to 21 (WCAG 2.2). */
export function contrast(one: Colour, other: Colour): number {
	const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
	return (light + 0.05) / (dark + 0.05);
}

const steps = 100;

/** The colour, moved towards white or black (away from the backgrounds) until its contrast to each of them is sufficient. */
export function adapted(colour: Colour, backgrounds: readonly Colour[], minContrast: number): Colour {
	const end = Math.max(...backgrounds.map(luminance)) > midLuminance ? 0x000000 : 0xffffff;
	for (let step = 0; step < steps; step++) {
		const next = mixed(colour, end, step / steps);
		if (backgrounds.every(background => contrast(next, background) >= minContrast)) return next;
	}
	return end;
}

/** Black and white have the same contrast to a colour of this luminance. */
const midLuminance = 0.179;

/** Whether dark text is more legible on it than light text. */
export function isLight(background: Colour): boolean {
	return luminance(background) > midLuminance;
}

/** Blends two colours; `part` is the share of the other, 0 to 1. */
export function mixed(one: Colour, other: Colour, part: number): Colour {
	const to = channels(other);
	return channels(one)
		.map((channel, index) => Math.round(channel + ((to[index] ?? 0) - channel) * part))
		.reduce((colour, channel) => colour * 256 + channel, 0);
}

function channels(colour: Colour): number[] {
	return [colour >> 16, (colour >> 8) & 0xff, colour & 0xff];
}
