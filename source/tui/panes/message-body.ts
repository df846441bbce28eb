import type {Message} from '../../mailbox/message.ts';
import {readableBody, redactionOf} from '../../mailbox/redaction.ts';
import type {Tag} from '../../mailbox/tag.ts';
import {p, printableLines, type Printable} from '../../printable.ts';
import type {Pending} from '../../store/state.ts';
import {keyFor} from '../settings/keymap.ts';
import {arrivals, lazy} from '../screen/lazy.ts';
import type {Document} from '../markdown/document.ts';
import {notableSpans} from '../markdown/notable.ts';
import {joined, strip, type Strip} from '../screen/strip.ts';
import type {Style} from '../screen/style.ts';
import {wrap} from '../screen/wrap.ts';
import {tagStyle, theme} from '../settings/theme.ts';
import {counted} from '../settings/words.ts';
import {Cache, numberOf} from './cache.ts';

/** More lines of one message than this are only shown in its thread. */
const foldedLines = 40;
const allLines = 5000;
/** Characters that are read as Markdown: more than folded lines can hold, and as much as is read in a moment. */
const foldedLength = 12_000;
const wholeLength = 48_000;

/** The gutter that stands before every line of a body: a line without one was not written by an agent. */
const gutterSign = p`│ `;
const gutterWidth = 2;

/** Reads and lays out Markdown; until it is here, bodies are shown as they were written. */
export const markdown = lazy(async () => {
	const [{readDocument}, {documentLines}, {addressesOf}] = await Promise.all([
		import('../markdown/document.ts'),
		import('../markdown/blocks.ts'),
		import('../markdown/link.ts'),
	]);
	return {readDocument, documentLines, addressesOf};
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
	const look = redactionOf(message) === null ? theme.text : theme.grey;
	return linesOf({text: readableBody(message), tag: message.tag, look, owner: message}, width, whole);
}

/** The same of a message that has no row yet. */
export function pendingBody(pending: Pending, tag: Tag, text: string, width: number): readonly Strip[] {
	return linesOf({text, tag, look: theme.pending, owner: pending}, width, false);
}

/** Web addresses in a message, in their order. */
export function addressesIn(message: Message): readonly string[] {
	const known = markdown();
	if (known === null) return [];
	return known.addressesOf(documentOf(known, {text: message.body, owner: message}, true));
}

/** After so many more lines, those that nobody asked for meanwhile are forgotten: several screens. A cell takes 32 bytes. */
const maxLaidOut = 600;
/** So many messages stay read: what is on the screen, and what is scrolled through. */
const maxDocuments = 300;

const laidOut = new Cache<readonly Strip[]>(maxLaidOut, lines => lines.length);
let laidOutWith = arrivals();

/** Laid out once per width; anew when a part has arrived that can do more. */
function linesOf(body: Body, width: number, whole: boolean): readonly Strip[] {
	if (laidOutWith !== arrivals()) {
		laidOut.clear();
		laidOutWith = arrivals();
	}
	const key = `${numberOf(body.owner)} ${width} ${whole ? 1 : 0}`;
	return laidOut.get(key) ?? laidOut.set(key, laid(body, width, whole));
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

function remainder(text: string, whole: boolean): Printable {
	const count = text.split('\n', 100_000).length;
	const size = count > 1 ? counted(count, 'line') : counted(text.length, 'character');
	return whole
		? p`… cut here, ${size} in all · ${keyFor('copy')} copies it`
		: p`… ${size} in all · ${keyFor('open')} shows it`;
}

function bareLines(body: Body, width: number, most: number, whole: boolean): Iterable<Strip> {
	const known = markdown();
	if (known === null) return plainLines(body, width, most);
	return known.documentLines(documentOf(known, body, whole), {width, base: body.look, most});
}

function* plainLines({text, look}: Body, width: number, most: number): Generator<Strip> {
	// What comes behind the line that says there is more is not even measured.
	for (const line of printableLines(text.slice(0, (most + 1) * width))) {
		yield* wrap(strip(notableSpans(line, look)), width);
	}
}

const documents = new Map<string, Document>();

/** Read once per message, as far as is asked for; the ones that were read first are forgotten first. */
function documentOf(
	{readDocument}: Exclude<ReturnType<typeof markdown>, null>,
	{text, owner}: Pick<Body, 'text' | 'owner'>,
	whole: boolean,
): Document {
	const limit = whole && text.length > foldedLength ? wholeLength : foldedLength;
	const key = `${numberOf(owner)} ${limit}`;
	let document = documents.get(key);
	if (document === undefined) {
		documents.set(key, (document = readDocument(text, limit)));
		const [oldest] = documents.keys();
		if (documents.size > maxDocuments && oldest !== undefined) documents.delete(oldest);
	}
	return document;
}
