import type {Message} from '../../mailbox/message.ts';
import type {Tag} from '../../mailbox/tag.ts';
import {printableLines} from '../../printable.ts';
import type {Pending} from '../../store/state.ts';
import {arrivals, late} from '../late.ts';
import type {Document} from '../markdown/document.ts';
import {notableSpans} from '../markdown/notable.ts';
import {joined, strip, type Strip} from '../screen/strip.ts';
import type {Style} from '../screen/style.ts';
import {wrap} from '../screen/wrap.ts';
import {tagStyle, theme} from '../theme.ts';
import {counted} from '../words.ts';

/** More lines of one message than this are only shown in its thread. */
const foldedLines = 40;
const allLines = 5000;
/** Characters that are read as Markdown: more than folded lines can hold, and as much as is read in a moment. */
const foldedLength = 12_000;
const wholeLength = 48_000;

/** The gutter that stands before every line of a body: a line without one was not written by an agent. */
const gutterSign = '│ ';
const gutterWidth = 2;

/** Reads and lays out Markdown; until it is here, bodies are shown as they were written. */
export const markdown = late(async () => {
	const [{readDocument}, {documentLines}] = await Promise.all([
		import('../markdown/document.ts'),
		import('../markdown/blocks.ts'),
	]);
	return {readDocument, documentLines};
});

/** What a body is laid out for. */
interface Body {
	readonly text: string;
	readonly tag: Tag;
	readonly look: Style;
	/** The message, or what is on its way to become one: what is known of a body is kept as long as that is. */
	readonly owner: Message | Pending;
}

/** The wrapped lines of a message's body, each with its gutter. `whole`: all of them, not only the first. */
export function messageBody(message: Message, width: number, whole: boolean): readonly Strip[] {
	return linesOf({text: message.body, tag: message.tag, look: theme.text, owner: message}, width, whole);
}

/** The same of a message that has no row yet. */
export function pendingBody(pending: Pending, tag: Tag, text: string, width: number): readonly Strip[] {
	return linesOf({text, tag, look: theme.pending, owner: pending}, width, false);
}

let laidOut = new Map<string, readonly Strip[]>();
let laidOutWith = arrivals();
const numbers = new WeakMap<Message | Pending, number>();
let lastNumber = 0;

/** Laid out once per width; anew when a part has arrived that can do more. */
function linesOf(body: Body, width: number, whole: boolean): readonly Strip[] {
	if (laidOut.size > 4000 || laidOutWith !== arrivals()) laidOut = new Map();
	laidOutWith = arrivals();
	let number = numbers.get(body.owner);
	if (number === undefined) numbers.set(body.owner, (number = ++lastNumber));
	const key = `${number} ${width} ${whole ? 1 : 0}`;
	let lines = laidOut.get(key);
	if (lines === undefined) laidOut.set(key, (lines = laid(body, width, whole)));
	return lines;
}

function laid(body: Body, width: number, whole: boolean): readonly Strip[] {
	const gutter = strip([{text: gutterSign, style: tagStyle(body.tag)}]);
	const most = whole ? allLines : foldedLines;
	const lines: Strip[] = [];
	for (const line of bareLines(body, width - gutterWidth, most, whole)) {
		if (lines.length >= most) {
			lines.push(joined(gutter, strip([{text: remainder(body.text, whole), style: theme.grey}])));
			break;
		}
		lines.push(joined(gutter, line));
	}
	return lines;
}

function remainder(text: string, whole: boolean): string {
	const count = text.split('\n', 100_000).length;
	const size = count > 1 ? counted(count, 'line') : counted(text.length, 'character');
	return whole ? `… cut here, ${size} in all · y copies it` : `… ${size} in all · enter shows it`;
}

function bareLines(body: Body, width: number, most: number, whole: boolean): Iterable<Strip> {
	const known = markdown();
	if (known === null) return plainLines(body, width, most);
	return known.documentLines(documentOf(known, body, whole), {width, base: body.look, most});
}

function* plainLines({text, look}: Body, width: number, most: number): Generator<Strip> {
	// More than `most` lines is not even measured.
	for (const line of printableLines(text.slice(0, most * width))) {
		yield* wrap(strip(notableSpans(line, look)), width);
	}
}

const documents = {folded: new WeakMap<object, Document>(), whole: new WeakMap<object, Document>()};

/** Read once per message, as far as is asked for. */
function documentOf(
	{readDocument}: Exclude<ReturnType<typeof markdown>, null>,
	{text, owner}: Pick<Body, 'text' | 'owner'>,
	whole: boolean,
): Document {
	const short = text.length <= foldedLength;
	const kept = whole && !short ? documents.whole : documents.folded;
	let document = kept.get(owner);
	if (document === undefined) kept.set(owner, (document = readDocument(text, whole ? wholeLength : foldedLength)));
	return document;
}
