import type {Message} from '../../mailbox/message.ts';
import {readableBody, redactionOf} from '../../mailbox/redaction.ts';
import type {Tag} from '../../mailbox/tag.ts';
import {p, printableLines, type Printable} from '../../printable.ts';
import type {Pending} from '../../store/state.ts';
import type {Keymap} from '../settings/keymap.ts';
import {perRun} from '../model/per-run.ts';
import type {Ui} from '../model/ui.ts';
import {arrivals, lazy} from '../screen/lazy.ts';
import type {Document} from '../markdown/document.ts';
import {notableSpans} from '../markdown/notable.ts';
import {joined, strip, type Strip} from '../screen/strip.ts';
import type {Style} from '../screen/style.ts';
import {wrap} from '../screen/wrap.ts';
import {tagStyle, theme} from '../settings/theme.ts';
import {counted} from '../settings/words.ts';
import {Cache} from './cache.ts';

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

/** The bodies that one run of the screen has laid out. */
interface Bodies {
	/** The lines of a body, laid out once per width, and again when the Markdown renderer has loaded. */
	linesOf(body: Body, width: number, whole: boolean): readonly Strip[];
	/** A text as Markdown, read once per message and as far as is asked for; null until that can be done. */
	documentOf(text: string, owner: Body['owner'], whole: boolean): Document | null;
}

const bodiesOf = perRun(({keymap}) => createBodies(keymap));

/** The wrapped lines of a message's body, each with its gutter. `whole`: all of them, not only the first. */
export function messageBody(ui: Ui, message: Message, width: number, whole: boolean): readonly Strip[] {
	const look = redactionOf(message) === null ? theme.text : theme.grey;
	return bodiesOf(ui).linesOf({text: readableBody(message), tag: message.tag, look, owner: message}, width, whole);
}

/** The same of a message that has no row yet. */
export function pendingBody(ui: Ui, pending: Pending, tag: Tag, text: string, width: number): readonly Strip[] {
	return bodiesOf(ui).linesOf({text, tag, look: theme.pending, owner: pending}, width, false);
}

/** Web addresses in a message, in their order. */
export function addressesIn(ui: Ui, message: Message): readonly string[] {
	const document = bodiesOf(ui).documentOf(message.body, message, true);
	return document === null ? [] : (markdown()?.addressesOf(document) ?? []);
}

/** Laid-out lines per generation of the cache: several screens. A cell takes 32 bytes. */
const maxLaidOut = 600;
/** Parsed messages per generation: those on the screen, and those that are scrolled through. */
const maxDocuments = 150;

function createBodies(keymap: Keymap): Bodies {
	const laidOut = new Cache<readonly Strip[]>(maxLaidOut, lines => lines.length);
	let laidOutWith = arrivals();
	const documents = new Cache<Document>(maxDocuments);

	function linesOf(body: Body, width: number, whole: boolean): readonly Strip[] {
		if (laidOutWith !== arrivals()) {
			laidOut.clear();
			laidOutWith = arrivals();
		}
		const key = `${width} ${whole ? 1 : 0}`;
		return (
			laidOut.get(body.owner, key) ??
			laidOut.set(body.owner, key, laid(keymap, body, documentOf(body.text, body.owner, whole), width, whole))
		);
	}

	function documentOf(text: string, owner: Body['owner'], whole: boolean): Document | null {
		const known = markdown();
		if (known === null) return null;
		const limit = whole && text.length > foldedLength ? wholeLength : foldedLength;
		return documents.get(owner, String(limit)) ?? documents.set(owner, String(limit), known.readDocument(text, limit));
	}

	return {linesOf, documentOf};
}

function laid(keymap: Keymap, body: Body, document: Document | null, width: number, whole: boolean): readonly Strip[] {
	const gutter = strip([{text: gutterSign, style: tagStyle(body.tag)}]);
	const most = whole ? allLines : foldedLines;
	const lines: Strip[] = [];
	for (const line of bareLines(body, document, width - gutterWidth, most)) {
		if (lines.length >= most) {
			lines.push(joined(gutter, strip([{text: remainder(keymap, body.text, whole), style: theme.grey}])));
			break;
		}
		lines.push(joined(gutter, line));
	}
	return lines;
}

function remainder({keyFor}: Keymap, text: string, whole: boolean): Printable {
	const count = text.split('\n', 100_000).length;
	const size = count > 1 ? counted(count, 'line') : counted(text.length, 'character');
	return whole
		? p`… cut here, ${size} in all · ${keyFor('copy')} copies it`
		: p`… ${size} in all · ${keyFor('open')} shows it`;
}

function bareLines(body: Body, document: Document | null, width: number, most: number): Iterable<Strip> {
	const known = markdown();
	if (known === null || document === null) return plainLines(body, width, most);
	return known.documentLines(document, {width, base: body.look, most});
}

function* plainLines({text, look}: Body, width: number, most: number): Generator<Strip> {
	// What comes behind the line that says there is more is not even measured.
	for (const line of printableLines(text.slice(0, (most + 1) * width))) {
		yield* wrap(strip(notableSpans(line, look)), width);
	}
}
