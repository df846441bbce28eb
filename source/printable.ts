/**
 * The one gate from remote text to any terminal, log or title. What could move the cursor, hide text, reorder it or
 * imitate another line is replaced by a form that can be seen.
 */

// Control bytes (C0, DEL, C1), lone surrogates, line and paragraph separators, and all that Unicode says may be drawn as
// nothing: bidi controls, joiners, zero-width and tag characters. Kept: the two selectors of text and emoji style.
const suspect =
	/[[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u{FFF9}-\u{FFFB}]--[\u{FE0E}\u{FE0F}]]/v;
const suspects = new RegExp(suspect.source, 'gv');
const zeroWidthJoiner = '\u200D';
const pictographBefore = /\p{Extended_Pictographic}[\u{FE0F}\p{Emoji_Modifier}]*$/v;
const pictographAfter = /^\p{Extended_Pictographic}/u;

/**
 * One line of text, safe to print: never holds a line break or an escape. Control bytes show as their pictures (`␛`),
 * everything else that is invisible as its code (`<U+202E>`).
 */
export function printable(text: string): string {
	if (!suspect.test(text)) return text;
	return text.replaceAll(suspects, (character, offset: number) => visible(character, offset, text));
}

const tabWidth = 4;

/** A text of several lines, each safe to print; tabs become spaces. CR LF, LF and the Unicode line separators end a line. */
export function printableLines(text: string): string[] {
	return text.split(/\r\n|[\n\u2028\u2029]/u).map(line => printable(expandTabs(line)));
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
