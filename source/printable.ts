/**
 * The one gate from remote text to any terminal, log or title. What could move the cursor, hide text, reorder it or
 * imitate another line is replaced by a form that can be seen. Only this file makes a `Printable`, and whatever writes to
 * a terminal accepts nothing else: a text that did not pass does not compile.
 */

declare const passed: unique symbol;

/** A text that a terminal may be given. Pieces of one are printable too. The brand exists for the compiler alone. */
export type Printable = Piecewise & string;

interface Piecewise {
	readonly [passed]: true;
	slice(start?: number, end?: number): Printable;
	charAt(at: number): Printable;
	trim(): Printable;
	trimStart(): Printable;
	trimEnd(): Printable;
	repeat(count: number): Printable;
	padStart(width: number): Printable;
	padEnd(width: number): Printable;
	split(separator: string): Printable[];
}

/** What needs no gate: a `Printable`, a number, or a literal of our own source. A type that is any string is refused. */
export type Trusted<T> = T extends Printable
	? T
	: T extends string
		? {readonly [passed]?: 1} extends Record<T, 1>
			? Printable
			: T
		: T;

/** A text of our own around values that are trusted: p`#${id} ${printable(title)}`. It scans nothing. */
export function p<const Values extends readonly (string | number | bigint)[]>(
	parts: TemplateStringsArray,
	...values: Values & {readonly [At in keyof Values]: Trusted<Values[At]>}
): Printable {
	let text = parts[0] ?? '';
	for (let at = 0; at < values.length; at++) text += `${values[at]}${parts[at + 1]}`;
	return text as Printable;
}

/** Printable texts, one after the other. */
export function joinPrintable(texts: readonly (Printable | '')[], between: Printable | Separator = ''): Printable {
	return texts.join(between) as Printable;
}

type Separator = '' | ' ' | '  ' | '   ' | ';' | ' · ' | ', ' | ' and ' | '\n';

/** A printable text with what our own code adds around and in it: colours, blanks. `apply` must bring in no other text. */
export function withStyle(text: Printable, apply: (text: Printable) => string): Printable {
	return apply(text) as Printable;
}

/** Writes without waiting: to a terminal, a pipe, a file. */
export function writeTo(stream: {write(text: string): unknown}, text: Printable): void {
	if (text !== '') stream.write(text);
}

// Control bytes (C0, DEL, C1), lone surrogates, line and paragraph separators, noncharacters, and all that Unicode says
// may be drawn as nothing: bidi controls, joiners, fillers, zero-width and tag characters, all selectors but the two of
// text and emoji style; with what fonts draw as nothing though Unicode does not say so (interlinear notes, the Khitan
// filler, controls of hieroglyphs). A blank that takes its column (U+00A0, U+3000, U+2800 of Braille) is a blank.
const invisible = String.raw`[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u{FFF9}-\u{FFFB}\u{16FE4}\u{13430}-\u{1343F}]`;
const suspect = new RegExp(String.raw`[${invisible}--[\u{FE0E}\u{FE0F}]]|(?<!\p{Emoji})[\u{FE0E}\u{FE0F}]`, 'v');
const suspects = new RegExp(suspect.source, 'gv');
const unseen = new RegExp(invisible, 'gv');
const zeroWidthJoiner = '\u200D';
const pictographBefore = /\p{Extended_Pictographic}[\u{FE0F}\p{Emoji_Modifier}]*$/v;
const pictographAfter = /^\p{Extended_Pictographic}/u;

/**
 * One line of text, safe to print: never holds a line break or an escape. Control bytes show as their pictures (`␛`),
 * everything else that is invisible as its code (`<U+202E>`).
 */
export function printable(text: string): Printable {
	if (!suspect.test(text)) return text as Printable;
	return text.replaceAll(suspects, (character, offset: number) => visible(character, offset, text)) as Printable;
}

const tabWidth = 4;

/** A text of several lines, each safe to print; tabs become spaces. CR LF, LF and the Unicode line separators end a line. */
export function printableLines(text: string): Printable[] {
	return text.split(/\r\n|[\n\u2028\u2029]/u).map(line => printable(expandTabs(line)));
}

/** A value as JSON on one line: what is invisible is escaped, so that nothing is lost and a terminal may be given it. */
export function printableJson(value: unknown): Printable {
	return JSON.stringify(value).replaceAll(unseen, character =>
		Array.from({length: character.length}, (_, index) => {
			return String.raw`\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`;
		}).join(''),
	) as Printable;
}

function visible(character: string, offset: number, text: string): string {
	if (character === zeroWidthJoiner && joinsPictographs(text, offset)) return character;
	const code = character.codePointAt(0) ?? 0;
	if (code < 0x20) return String.fromCodePoint(0x24_00 + code);
	if (code === 0x7f) return '␡';
	return `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`;
}

/** A joiner is kept only between two pictographs, where it makes one emoji of them. */
function joinsPictographs(text: string, offset: number): boolean {
	return (
		pictographBefore.test(text.slice(Math.max(0, offset - 8), offset)) &&
		pictographAfter.test(text.slice(offset + 1, offset + 3))
	);
}

function expandTabs(line: string): string {
	if (!line.includes('\t')) return line;
	let expanded = '';
	for (const piece of line.split(/(\t)/)) {
		expanded += piece === '\t' ? ' '.repeat(tabWidth - (expanded.length % tabWidth)) : piece;
	}
	return expanded;
}
