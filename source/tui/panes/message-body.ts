import type {Message} from '../../mailbox/message.ts';
import {readableBody, redactionOf} from '../../mailbox/redaction.ts';
import type {Tag} from '../../mailbox/tag.ts';
import {p, printableLines, type Printable} from '../../printable.ts';
import type {Pending} from '../../store/state/state.ts';
import type {Keymap} from '../settings/keymap.ts';
import {perRun} from '../model/per-run.ts';
import type {Ui} from '../model/ui.ts';
import {loadedCount, lazy} from '../screen/lazy.ts';
import type {Document} from '../markdown/document.ts';
import {notableSpans} from '../markdown/notable.ts';
import {joinStrips, strip, type Strip} from '../screen/strip.ts';
import type {Style} from '../screen/style.ts';
import {wrap} from '../screen/wrap.ts';
import {tagStyle, theme} from '../settings/theme.ts';
import {counted} from '../settings/words.ts';
import {Cache} from './cache.ts';

/** How many lines of a message are shown outside its thread, and in it. */
const foldedLines = 40;
const allLines = 5000;
/** How many characters are parsed as Markdown: more than fit in the folded lines, and as many as can be parsed quickly. */
const foldedLength = 12_000;
const wholeLength = 48_000;

/** The gutter before every line of a body. A line without one cannot come from a message. */
const gutterSign = p`│ `;
const gutterWidth = 2;

/** The Markdown renderer; until it is loaded, bodies are shown as plain text. */
export const markdown = lazy(async () => {
	const [{readDocument}, {documentLines}, {addressesOf}] = await Promise.all([
		import('../markdown/document.ts'),
		import('../markdown/blocks.ts'),
		import('../markdown/link.ts'),
	]);
	return {readDocument, documentLines, addressesOf};
});

/** A body to lay out. */
interface Body {
	readonly text: string;
	readonly tag: Tag;
	readonly look: Style;
	/** The message, under which results are cached. */
	readonly owner: Message | Pending;
}

/** The cache of bodies laid out by one run of the screen. */
interface Bodies {
	/** The lines of a body, cached by width until the Markdown renderer has loaded. */
	linesOf(body: Body, width: number, whole: boolean): readonly Strip[];
	/** A text parsed as Markdown, cached per message; null until the renderer has loaded. */
	documentOf(text: string, owner: Body['owner'], whole: boolean): Document | null;
}

const bodiesOf = perRun(({keymap}) => createBodies(keymap));

/** The wrapped lines of a message's body, each with its gutter. `whole`: without folding. */
export function messageBody(ui: Ui, message: Message, width: number, whole: boolean): readonly Strip[] {
	const look = redactionOf(message) === null ? theme.text : theme.grey;
	return bodiesOf(ui).linesOf({text: readableBody(message), tag: message.tag, look, owner: message}, width, whole);
}

/** The same for a pending message. */
export function pendingBody(ui: Ui, pending: Pending, tag: Tag, text: string, width: number): readonly Strip[] {
	return bodiesOf(ui).linesOf({text, tag, look: theme.pending, owner: pending}, width, false);
}

/** The web addresses in a message, in order. */
export function addressesIn(ui: Ui, message: Message): readonly string[] {
	const document = bodiesOf(ui).documentOf(message.body, message, true);
	return document === null ? [] : (markdown()?.addressesOf(document) ?? []);
}

/** Cached lines per generation: several screens. A cell takes 32 bytes. */
const maxLaidOut = 600;
/** Parsed messages per generation: those on the screen, and those scrolled through. */
const maxDocuments = 150;

function createBodies(keymap: Keymap): Bodies {
	const laidOut = new Cache<readonly Strip[]>(maxLaidOut, lines => lines.length);
	let laidOutWith = loadedCount();
	const documents = new Cache<Document>(maxDocuments);

	function linesOf(body: Body, width: number, whole: boolean): readonly Strip[] {
		if (laidOutWith !== loadedCount()) {
			laidOut.clear();
			laidOutWith = loadedCount();
		}
		const key = `${width} ${whole ? 1 : 0}`;
		return (
			laidOut.get(body.owner, key) ??
			laidOut.set(body.owner, key, layOut(keymap, body, documentOf(body.text, body.owner, whole), width, whole))
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

function layOut(
	keymap: Keymap,
	body: Body,
	document: Document | null,
	width: number,
	whole: boolean,
): readonly Strip[] {
	const gutter = strip([{text: gutterSign, style: tagStyle(body.tag)}]);
	const maxLines = whole ? allLines : foldedLines;
	const lines: Strip[] = [];
	for (const line of bareLines(body, document, width - gutterWidth, maxLines)) {
		if (lines.length >= maxLines) {
			lines.push(joinStrips(gutter, strip([{text: remainderText(keymap, body.text, whole), style: theme.grey}])));
			break;
		}
		lines.push(joinStrips(gutter, line));
	}
	return lines;
}

function remainderText({keyFor}: Keymap, text: string, whole: boolean): Printable {
	const count = text.split('\n', 100_000).length;
	const size = count > 1 ? counted(count, 'line') : counted(text.length, 'character');
	return whole
		? p`… cut here, ${size} in all · ${keyFor('copy')} copies it`
		: p`… ${size} in all · ${keyFor('open')} shows it`;
}

function bareLines(body: Body, document: Document | null, width: number, maxLines: number): Iterable<Strip> {
	const known = markdown();
	if (known === null || document === null) return plainLines(body, width, maxLines);
	return known.documentLines(document, {width, base: body.look, maxLines});
}

function* plainLines({text, look}: Body, width: number, maxLines: number): Generator<Strip> {
	// What comes after the `… in all` line is not even measured.
	for (const line of printableLines(text.slice(0, (maxLines + 1) * width))) {
		yield* wrap(strip(notableSpans(line, look)), width);
	}
}
