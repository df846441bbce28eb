import {printable, type Printable} from '../../printable.ts';
/** A colour as 0xRRGGBB. */
export type Colour = number;

/** How a cell looks. Absent properties are the terminal's defaults. */
export interface Look {
	readonly fg?: Colour;
	readonly bg?: Colour;
	readonly bold?: boolean;
	readonly dim?: boolean;
	readonly italic?: boolean;
	readonly underline?: boolean;
	readonly inverse?: boolean;
	readonly strike?: boolean;
	/** The target of a hyperlink: an address in printing ASCII, as `linked` accepts it. */
	readonly link?: Printable;
}

/** The number of a look, so that cells can be compared as integers. */
export type Style = number;

/** A terminal's colour depth in bits, as Node's getColorDepth returns it: 1 (no colours), 4, 8 or 24. */
export type Depth = 1 | 4 | 8 | 24;

const looks: Look[] = [{}];
const byKey = new Map<string, Style>([[keyOf({}), 0]]);

/** The terminal's default look. */
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

/** Looks are never released, and each address needs its own. After this many, further links are only underlined. */
const maxLinks = 20_000;
let links = 0;
const asciiAlone = /^[!-~]+$/;

/** The same style as a hyperlink, if `uri` is printing ASCII, as what `new URL` returns is; otherwise the style itself. */
export function linked(of: Style, uri: string): Style {
	if (!asciiAlone.test(uri)) return of;
	const look = {...lookOf(of), link: printable(uri)};
	if (byKey.has(keyOf(look))) return style(look);
	if (links >= maxLinks) return of;
	links++;
	return style(look);
}

const tinted = new Map<number, Map<Style, Style>>();

/** The colour of default text on a tint. The terminal's own was chosen for its background, not for ours. */
export const onTint: Colour = 0xd8dce3;

/** The same style on a background, unless it already has one. */
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
