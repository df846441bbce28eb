import type {Message} from '../../mailbox/message.ts';
import {sameTag} from '../../mailbox/tag.ts';
import {printable, printableLines} from '../../printable.ts';
import {replyCount} from '../../store/select.ts';
import type {Pending, State} from '../../store/state.ts';
import {joined, justify, strip, type Span, type Strip} from '../screen/strip.ts';
import {wrap} from '../screen/wrap.ts';
import {tagStrong, tagStyle, theme} from '../theme.ts';
import {clockTime, counted} from '../words.ts';
import {deliverySpans} from './delivery.ts';

/** More lines of one message than this are only shown in its thread. */
export const foldedLines = 40;
const allLines = 5000;

/** The gutter that stands before every line of a body: a line without one was not written by an agent. */
const gutterSign = '│ ';
const gutterWidth = 2;

/**
 * The first line of a message: when, who, to whom, and what became of it at the right. `now` in milliseconds since 1970.
 */
export function messageHead(state: State, message: Message, width: number, now: number): Strip {
	const left: Span[] = [
		{text: `${clockTime(message.created_at, now)} `, style: theme.grey},
		{text: printable(message.tag), style: tagStrong(message.tag)},
	];
	if (message.mentions.length > 0) {
		left.push({text: ' → ', style: theme.grey});
		message.mentions.forEach((tag, index) => {
			if (index > 0) left.push({text: ', ', style: theme.grey});
			left.push({text: printable(tag), style: tagStyle(tag)});
		});
	}
	left.push(...authorship(message));
	const replies = message.thread_id === message.id ? replyCount(state, message.id) : 0;
	if (replies > 0) left.push({text: `  ⤷ ${replies}`, style: theme.grey});
	else if (message.reply_to !== null) left.push({text: `  ↳ #${message.reply_to}`, style: theme.faint});
	return justify(left, deliverySpans(state, message, now), width);
}

/** Who really wrote it, where that is not what the tag says. */
function authorship({tag, author_tag, verified}: Message): Span[] {
	const spans: Span[] = [];
	if (author_tag !== null && !sameTag(author_tag, tag)) {
		spans.push({text: '  by ', style: theme.grey}, {text: printable(author_tag), style: tagStyle(author_tag)});
	}
	if (!verified) spans.push({text: '  unverified', style: theme.warn});
	return spans;
}

/** The first line of a message that has no row yet. */
export function pendingHead(state: State, pending: Pending, tag: string, width: number, now: number): Strip {
	const me = state.identity?.tag;
	const left: Span[] = [
		{text: `${clockTime(new Date(pending.since).toISOString(), now)} `, style: theme.grey},
		{text: printable(tag), style: tagStyle(tag)},
	];
	if (me !== undefined && !sameTag(me, tag)) left.push({text: `  by ${printable(me)}`, style: theme.grey});
	const right: Record<Pending['phase'], Span> = {
		sending: {text: 'sending', style: theme.pending},
		waiting: {text: 'unsent: waits for the connection', style: theme.warn},
		refused: {text: 'not sent · r to write it again', style: theme.bad},
	};
	return justify(left, [right[pending.phase]], width);
}

const bodies = new Map<string, readonly Strip[]>();

/** The wrapped lines of a message's body, each with its gutter; wrapped once per width. */
export function messageBody(message: Message, width: number, whole: boolean): readonly Strip[] {
	const key = `${message.id} ${width} ${whole ? 1 : 0} ${message.xid}`;
	let lines = bodies.get(key);
	if (lines === undefined) {
		if (bodies.size > 4000) bodies.clear();
		lines = bodyLines(message.body, message.tag, width, whole ? allLines : foldedLines, false);
		bodies.set(key, lines);
	}
	return lines;
}

/** A body's lines, at most `most` and one that says how many more there are. */
export function bodyLines(body: string, tag: string, width: number, most: number, dim: boolean): readonly Strip[] {
	const gutter = strip([{text: gutterSign, style: tagStyle(tag)}]);
	const lines: Strip[] = [];
	const paragraphs = printableLines(body);
	for (const [index, paragraph] of paragraphs.entries()) {
		if (lines.length >= most) {
			const more = `… ${counted(paragraphs.length - index, 'more line')} · enter shows all`;
			lines.push(joined(gutter, strip([{text: more, style: theme.grey}])));
			break;
		}
		// A paragraph alone can fill the pane: more of it than `most` lines is not even measured.
		const longest = most * width;
		const text = paragraph.length > longest ? `${paragraph.slice(0, longest)}…` : paragraph;
		const spans = dim ? [{text, style: theme.pending}] : highlighted(text);
		for (const line of wrap(strip(spans), width - gutterWidth)) lines.push(joined(gutter, line));
	}
	return lines;
}

const notable = /`([^`]+)`|(?<![A-Za-z0-9_@-])@([A-Za-z][A-Za-z0-9_-]{0,31})(?![A-Za-z0-9_-])|(?<![\w#&])#\d+\b/gu;

/** Mentions in their tag's colour, numbers of tasks and messages, and `code`. */
function highlighted(text: string): Span[] {
	const spans: Span[] = [];
	let from = 0;
	for (const match of text.matchAll(notable)) {
		if (match.index > from) spans.push({text: text.slice(from, match.index), style: theme.text});
		const [whole, code, tag] = match;
		if (code !== undefined) spans.push({text: ` ${code} `, style: theme.code});
		else if (tag !== undefined) spans.push({text: whole, style: tagStrong(tag)});
		else spans.push({text: whole, style: theme.task});
		from = match.index + whole.length;
	}
	if (from < text.length) spans.push({text: text.slice(from), style: theme.text});
	return spans;
}
