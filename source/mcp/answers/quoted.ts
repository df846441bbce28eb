import {fairShare} from '../../mailbox/text/excerpt.ts';
import {isUrgent, type Message} from '../../mailbox/message.ts';
import type {Tag} from '../../mailbox/tag.ts';
import {gutter, notice} from '../../quotation/agent-text.ts';
import {cutLine, messageHead} from '../../quotation/message-head.ts';
import {provenance} from '../../quotation/provenance.ts';
import {excerptOf, sizeOf} from './excerpt.ts';
import {margin} from './room.ts';

interface Reading {
	/** Who reads them. */
	readonly reader: Tag;
	/** Bytes of the whole answer. */
	readonly room: number;
	/** For messages that the reader may already have: which hand-over this is, by id. */
	readonly again?: ReadonlyMap<number, number>;
}

/** Messages for reading, all of them: a blank line, a head and the quoted text of each. Texts that are too long are cut, the longest first. */
export function quoteAll(messages: readonly Message[], {reader, room, again}: Reading): string[] {
	const heads = messages.map(message => headOf(message, reader, again?.get(message.id)));
	const left = Math.max(
		0,
		heads.reduce((rest, head) => rest - frameSize(head), room - margin),
	);
	const wholes = messages.map(({body}) => excerptOf(body, left));
	const share = fairShare(
		wholes.map(({text}) => sizeOf(text)),
		left,
	);
	return messages.flatMap((message, index) => {
		const whole = wholes[index];
		const fits = whole !== undefined && whole.end === message.body.length && sizeOf(whole.text) <= share;
		return ['', ...quoted(message, heads[index] ?? '', fits ? whole : excerptOf(message.body, share))];
	});
}

/** One message, with its text from a position on. `rest`: how to get what follows; null if that is the end. */
export function quoteFrom(
	message: Message,
	from: number,
	{reader, room}: Reading,
): {readonly lines: string[]; readonly rest: string | null} {
	const excerpt = excerptOf(message.body, room - margin, from);
	return {lines: ['', ...quoted(message, headOf(message, reader), excerpt)], rest: restOf(message, excerpt.end)};
}

/**
 * How many of the messages, from the first on, fit into an answer. One that is long counts, and is cut, as a third of the room, so
 * that there are others beside it.
 */
export function fitting(messages: readonly Message[], {reader, room}: Reading): number {
	let left = room - margin;
	const most = Math.floor(left / 3);
	const index = messages.findIndex(message => {
		left -= frameSize(headOf(message, reader)) + Math.min(sizeOf(excerptOf(message.body, most).text), most);
		return left < 0;
	});
	return index === -1 ? messages.length : Math.max(1, index);
}

/** Messages for reading: a heading with the notice, the messages, and what to do next. */
export function quotedBlock(what: string, messages: readonly string[], hints: readonly string[]): string[] {
	return [`${what} ${notice}`, ...messages, ...(hints.length === 0 ? [] : ['', hints.join(' ')])];
}

function headOf(message: Message, reader: Tag, again?: number): string {
	return messageHead({
		...message,
		from: message.tag,
		provenance: provenance(message, reader),
		urgent: isUrgent(message),
		again,
	});
}

/** The head, then the text behind a bar that it cannot leave. */
function quoted(message: Message, head: string, {text, end}: {readonly text: string; readonly end: number}): string[] {
	const rest = restOf(message, end);
	const lines = text.split('\n').map(line => `${gutter}${line}`);
	return [head, ...lines, ...(rest === null ? [] : [cutLine(rest)])];
}

/** Bytes of what stands around a text, with the line that says that it was cut. */
function frameSize(head: string): number {
	return Buffer.byteLength(JSON.stringify(head)) + restLength;
}

const restLength = 120;

function restOf({id, body}: Message, end: number): string | null {
	const left = body.length - end;
	return left > 0 ? `read_thread with id ${id} and text_from ${end} returns the other ${left} characters` : null;
}
