import {printable, type Printable} from '../../printable.ts';
/** A colour as 0xRRGGBB. */
export type Colour = number;

/** How a cell looks. Absent: as the terminal has it. */
export interface Look {
	readonly fg?: Colour;
	readonly bg?: Colour;
	readonly bold?: boolean;
	readonly dim?: boolean;
	readonly italic?: boolean;
	readonly underline?: boolean;
	readonly inverse?: boolean;
	readonly strike?: boolean;
	/** Where a click leads: an address in printing ASCII, as `linked` takes it. */
	readonly link?: Printable;
}

/** A look by number, so that cells compare as integers. */
export type Style = number;

/** How many colours a terminal has, as bits: 1 (none), 4, 8 or 24; what Node's getColorDepth says. */
export type Depth = 1 | 4 | 8 | 24;

const looks: Look[] = [{}];
const byKey = new Map<string, Style>([[keyOf({}), 0]]);

/** The terminal's own look. */
export const plain: Style = 0;

export function style(look: Look): Style {
	const key = keyOf(look);
	const known = byKey.get(key);
	if (known !== undefined) return known;
	looks.push(look);
	byKey.set(key, looks.length - 1);
	return looks.length - 1;
}

export function lookOf(of: Style): Look {
	return looks[of] ?? {};
}

/** Each address makes looks that are kept for good: after so many of them in one session, further ones are only underlined. */
const maxLinks = 20_000;
let links = 0;
const asciiAlone = /^[!-~]+$/;

/** The same style as a hyperlink. `uri` must be printing ASCII (what `new URL` makes of an address is); anything else is no link. */
export function linked(of: Style, uri: string): Style {
	if (!asciiAlone.test(uri)) return of;
	const look = {...lookOf(of), link: printable(uri)};
	if (byKey.has(keyOf(look))) return style(look);
	if (links >= maxLinks) return of;
	links++;
	return style(look);
}

const tinted = new Map<number, Map<Style, Style>>();

/** What the terminal's own text colour becomes on a tint: it was chosen for the terminal's background, not for ours. */
export const onTint: Colour = 0xd8dce3;

/** The same style on another background, unless it has one of its own. */
export function onBackground(of: Style, bg: Colour): Style {
	let known = tinted.get(bg);
	if (known === undefined) tinted.set(bg, (known = new Map<Style, Style>()));
	let result = known.get(of);
	if (result === undefined) known.set(of, (result = style({bg, fg: onTint, ...lookOf(of)})));
	return result;
}

function keyOf({fg, bg, bold, dim, italic, underline, inverse, strike, link}: Look): string {
	const flags = [bold, dim, italic, underline, inverse, strike].map(flag => (flag === true ? 1 : 0)).join('');
	return `${fg ?? ''},${bg ?? ''},${flags},${link ?? ''}`;
}
