import type {Agent} from './agent.ts';
import {editDistance} from './text/nearest.ts';
import {HUMAN, isTag, sameTag, SYSTEM, type Tag} from './tag.ts';

/*
 * Names that look alike. The idea and the term `skeleton` are from Unicode's UTS #39: two texts with the same skeleton can be
 * mistaken for each other. Its tables have thousands of pairs; these are the letters that can pass for those of a tag.
 */

/** Letters of other scripts that look like an ASCII letter, digit or mark. Wide and mathematical ones are left to NFKD. */
const homoglyphs: {readonly [ascii: string]: string} = {
	A: 'АΑᎪᗅꓮ𐊠',
	B: 'ВΒᏴᗷꓐ',
	C: 'СϹᏟꓚⲤ',
	D: 'Ꭰᗞꓓᗪ',
	E: 'ЕΕᎬꓰⴹ',
	F: 'ҒϜꓝᖴ',
	G: 'ԌᏀꓖ',
	H: 'НΗᎻᕼꓧⲎ',
	I: 'ІΙӀⅠꓲⵏ|ǀ∣',
	J: 'ЈͿᎫᒍꓙ',
	K: 'КΚᏦꓗⲔ',
	L: 'ᏞᒪꓡⳐ',
	M: 'МΜϺᎷᗰꓟⲘ',
	N: 'ΝꓠⲚ',
	O: 'ОΟՕⲞꓳ০੦०',
	P: 'РΡᏢᑭꓑⲢ',
	Q: 'ԚⵕႭ',
	R: 'ᎡᏒᖇꓣ',
	S: 'ЅՏᏕꓢ',
	T: 'ТΤᎢꓔⲦ',
	U: 'ՍᑌꓴႮ',
	V: 'ѴᏙꓦⴸ',
	W: 'ԜᎳꓪ',
	X: 'ХΧꓫⲬⵝ',
	Y: 'ҮΥУꓬⲨ',
	Z: 'ΖᏃꓜ',
	a: 'аɑα',
	b: 'Ьƅ',
	c: 'сϲⅽ',
	d: 'ԁⅾ',
	e: 'еҽє',
	f: 'ẝք',
	g: 'ɡցԍ',
	h: 'һհ',
	i: 'іıɩι',
	j: 'јϳ',
	k: 'кκ',
	l: 'ӏⅼ',
	m: 'мⅿ',
	n: 'ոռпη',
	o: 'оοօσ',
	p: 'рρ',
	q: 'ԛգ',
	r: 'гᴦⲅ',
	s: 'ѕꜱ',
	t: 'тτ',
	u: 'υսᴜ',
	v: 'ѵνᴠ',
	w: 'ԝѡᴡ',
	x: 'хⅹ',
	y: 'уγүყ',
	z: 'ᴢ',
	'-': '‐‑‒–—―−',
	_: '‿ˍ',
	'/': '⁄∕',
	':': '։׃∶ː',
};
let asciiOf: ReadonlyMap<string, string> | null = null;

/** Built at the first use, because most hooks do not need it. */
function homoglyphMap(): ReadonlyMap<string, string> {
	asciiOf ??= new Map(
		Object.entries(homoglyphs).flatMap(([ascii, others]) => Array.from(others, other => [other, ascii] as const)),
	);
	return asciiOf;
}

const ignorable = /[\p{Default_Ignorable_Code_Point}\p{Mn}]/gu;
const notAscii = /[^\0-\u007F]/;

/** The visible form of a text, in lower case: letters that look like ASCII replaced by it, without accents and invisible characters. */
export function visualForm(text: string): string {
	if (!notAscii.test(text)) return text.toLowerCase();
	const plain = text.normalize('NFKD').replaceAll(ignorable, '');
	const map = homoglyphMap();
	return Array.from(plain, character => map.get(character) ?? character)
		.join('')
		.toLowerCase();
}

/** Equal for two tags that can be mistaken for each other: it ignores case, accents, and letters that look alike in most fonts. */
function skeleton(tag: string): string {
	return visualForm(tag)
		.replaceAll(/[_-]/g, '')
		.replaceAll('rn', 'm')
		.replaceAll('vv', 'w')
		.replaceAll(/[il|!]/g, '1')
		.replaceAll('o', '0')
		.replaceAll('s', '5')
		.replaceAll('z', '2')
		.replaceAll('b', '8');
}

/**
 * Whether a tag can be mistaken for a different one. With `strict`, which is the default for the human's, one different letter or
 * additional digits at the end are enough.
 */
export function resembles(tag: Tag, other: Tag, strict = isGuarded(other)): boolean {
	if (sameTag(tag, other)) return false;
	const [one, two] = [skeleton(tag), skeleton(other)];
	if (one === two) return true;
	if (!strict) return false;
	return editDistance(one, two) <= 1 || (one.startsWith(two) && /^\d+$/.test(one.slice(two.length)));
}

/** Tags with more authority than an agent's. */
function isGuarded(tag: Tag): boolean {
	return sameTag(tag, HUMAN) || sameTag(tag, SYSTEM);
}

/** The first of the known tags that a tag can be mistaken for; null if there is none. Earlier tags are the originals. */
export function resembled(tag: Tag, known: Iterable<Tag>): Tag | null {
	for (const other of known) {
		if (sameTag(tag, other)) return null;
		if (resembles(tag, other)) return other;
	}
	return null;
}

/** The tags that take part, in order of precedence: the human's first, then by age, so that an original precedes its imitations. */
export function knownTags(agents: Iterable<Pick<Agent, 'tag' | 'kind' | 'joined_at'>>): Tag[] {
	const sorted = [...agents].sort(
		(one, other) =>
			Number(other.kind === 'human') - Number(one.kind === 'human') ||
			Date.parse(one.joined_at) - Date.parse(other.joined_at),
	);
	return [HUMAN, SYSTEM, ...sorted.map(({tag}) => tag)];
}

/** The maximum characters and lines of a body that are examined. */
const limits = {characters: 10_000, lines: 200};
const bracketed = /^[\s\p{Default_Ignorable_Code_Point}]*[[［【〔⟦❲]([^\]］】〕⟧❳\n]{1,64})[\]］】〕⟧❳]/u;

/**
 * The tag that a line of a body imitates as if another message began there: `[НUMAN]` with letters of another script or invisible
 * characters, in any line; in plain letters only in the first, since people quote. Null if it is none of `known`.
 */
export function imitatedTag(body: string, author: Tag, known: readonly Tag[]): Tag | null {
	const lines = body.slice(0, limits.characters).split(/[\n\u2028\u2029]/u, limits.lines);
	for (const [index, line] of lines.entries()) {
		const name = bracketed.exec(line)?.[1]?.trim();
		if (name === undefined || (isTag(name) && (index > 0 || sameTag(name, author)))) continue;
		const found = known.find(tag => !sameTag(tag, author) && (sameTag(name, tag) || skeleton(name) === skeleton(tag)));
		if (found !== undefined) return found;
	}
	return null;
}
