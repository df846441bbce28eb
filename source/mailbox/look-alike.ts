import type {Agent} from './agent.ts';
import {editDistance} from './nearest.ts';
import {HUMAN, isTag, sameTag, SYSTEM, type Tag} from './tag.ts';

/*
 * Which names look like which. The idea and the name `skeleton` are those of Unicode's UTS #39: two texts with one skeleton can
 * be taken for each other. Its tables have thousands of pairs; here are the letters that can pass for those of a tag.
 */

/** Letters of other scripts that look like an ASCII letter, digit or mark; what NFKC makes of wide and mathematical ones is not here. */
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

/** Made at the first use: a hook that is handed nothing odd is spared it. */
function homoglyphMap(): ReadonlyMap<string, string> {
	asciiOf ??= new Map(
		Object.entries(homoglyphs).flatMap(([ascii, others]) => Array.from(others, other => [other, ascii] as const)),
	);
	return asciiOf;
}

const ignorable = /[\p{Default_Ignorable_Code_Point}\p{Mn}]/gu;
const notAscii = /[^\0-\u007F]/;

/** The text as it looks, in lower case: letters that look like ASCII as those, without marks above and without what is invisible. */
export function asItLooks(text: string): string {
	if (!notAscii.test(text)) return text.toLowerCase();
	const plain = text.normalize('NFKD').replaceAll(ignorable, '');
	const map = homoglyphMap();
	return Array.from(plain, character => map.get(character) ?? character)
		.join('')
		.toLowerCase();
}

/** What two tags that can be taken for each other have in common: case, marks and what looks alike in most fonts do not count. */
function skeleton(tag: string): string {
	return asItLooks(tag)
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
 * Whether a tag can be taken for another one that it is not. `strict`, as for the human's: it is enough to be one letter off, or to
 * have its name in front of digits.
 */
export function resembles(tag: Tag, other: Tag, strict = isGuarded(other)): boolean {
	if (sameTag(tag, other)) return false;
	const [one, two] = [skeleton(tag), skeleton(other)];
	if (one === two) return true;
	if (!strict) return false;
	return editDistance(one, two) <= 1 || (one.startsWith(two) && /^\d+$/.test(one.slice(two.length)));
}

/** Tags whose word counts for more than an agent's. */
function isGuarded(tag: Tag): boolean {
	return sameTag(tag, HUMAN) || sameTag(tag, SYSTEM);
}

/** The first of the tags known that a tag can be taken for; null where there is none. Whoever stands in front is the original. */
export function resembled(tag: Tag, known: Iterable<Tag>): Tag | null {
	for (const other of known) {
		if (sameTag(tag, other)) return null;
		if (resembles(tag, other)) return other;
	}
	return null;
}

/** The tags that take part, the original before whatever came later and looks like it: the human's first. */
export function knownTags(agents: Iterable<Pick<Agent, 'tag' | 'kind' | 'joined_at'>>): Tag[] {
	const sorted = [...agents].sort(
		(one, other) =>
			Number(other.kind === 'human') - Number(one.kind === 'human') ||
			Date.parse(one.joined_at) - Date.parse(other.joined_at),
	);
	return [HUMAN, SYSTEM, ...sorted.map(({tag}) => tag)];
}

/** Characters of a body that are looked at, and lines. */
const looked = {characters: 10_000, lines: 200};
const bracketed = /^[\s\p{Default_Ignorable_Code_Point}]*[[［【〔⟦❲]([^\]］】〕⟧❳\n]{1,64})[\]］】〕⟧❳]/u;

/**
 * The tag that a line of a body begins with as if it were another message: `[НUMAN]` with letters of another script or with
 * something invisible in it, anywhere; written plainly only at the very beginning, since people quote. Null: none of `known`.
 */
export function imitated(body: string, author: Tag, known: readonly Tag[]): Tag | null {
	const lines = body.slice(0, looked.characters).split(/[\n\u2028\u2029]/u, looked.lines);
	for (const [index, line] of lines.entries()) {
		const name = bracketed.exec(line)?.[1]?.trim();
		if (name === undefined || (isTag(name) && (index > 0 || sameTag(name, author)))) continue;
		const found = known.find(tag => !sameTag(tag, author) && (sameTag(name, tag) || skeleton(name) === skeleton(tag)));
		if (found !== undefined) return found;
	}
	return null;
}
