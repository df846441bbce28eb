import {z} from 'zod';
import {fairShare} from '../../mailbox/excerpt.ts';
import {signatureRemark, type Message} from '../../mailbox/message.ts';
import type {Tag} from '../../mailbox/tag.ts';
import {printable} from '../../printable.ts';
import {gutter, notice} from '../../quotation/agent-text.ts';
import {cutLine, messageHead} from '../../quotation/message-head.ts';
import {provenance} from '../../quotation/provenance.ts';
import {maxAnswer} from './answer.ts';
import {excerptOf, sizeOf, type Excerpt} from './excerpt.ts';

export const quotedMessage = z.object({
	id: z.number().int(),
	from: z.string().describe('The tag that it was written under.'),
	provenance: z.string().describe('Whether that is verified, and who really wrote it if that differs.'),
	author: z
		.string()
		.optional()
		.describe('Who really wrote it, according to the verified token; absent if it is unverified.'),
	author_kind: z.enum(['human', 'agent', 'system']).optional(),
	verified: z.boolean().describe('False: anyone with access to the database may have written it under this tag.'),
	signature: z
		.enum(['signed', 'unsigned', 'unknown key', 'invalid signature'])
		.optional()
		.describe(
			"Signed: proven to be the human's words. Invalid: changed or forged. Absent: from an agent; agents do not sign.",
		),
	to: z.array(z.string()).describe('The first ten tags that it mentions; empty if it is for everyone.'),
	reply_to: z.number().int().optional(),
	thread_id: z.number().int(),
	created_at: z.string(),
	again: z
		.literal(true)
		.optional()
		.describe('You may already have it: it was handed over before and left open, or its receipt was lost.'),
	text: z.string(),
	rest: z.string().optional().describe('If the text was cut: how to get the rest.'),
});

export type Quoted = z.infer<typeof quotedMessage>;

/** Messages as data. Texts that are too long for one answer are cut, the longest first. `again`: ids that the reader may already have. */
export function quoteAll(messages: readonly Message[], reader: Tag, again: ReadonlySet<number> = new Set()): Quoted[] {
	const quoted = (message: Message, excerpt: Excerpt): Quoted => quote(message, reader, excerpt, again.has(message.id));
	const frames = messages.map(message => quoted(message, {text: '', end: message.body.length}));
	const room = Math.max(
		0,
		frames.reduce((left, frame) => left - JSON.stringify(frame).length - restLength, maxAnswer),
	);
	const wholes = messages.map(({body}) => excerptOf(body, room));
	const share = fairShare(
		wholes.map(({text}) => sizeOf(text)),
		room,
	);
	return messages.map((message, index) => {
		const whole = wholes[index];
		const fits = whole !== undefined && whole.end === message.body.length && sizeOf(whole.text) <= share;
		return quoted(message, fits ? whole : excerptOf(message.body, share));
	});
}

/** One message, with its text from a position on. */
export function quoteFrom(message: Message, reader: Tag, from: number): Quoted {
	return quote(message, reader, excerptOf(message.body, maxAnswer - 1000, from));
}

/** Messages for reading: a heading, the notice, the messages, and the hint. */
export function quotedBlock(what: string, messages: readonly Quoted[], hint: string): string[] {
	return [`${what} ${notice}`, ...messages.flatMap(message => ['', ...quotedLines(message)]), '', hint];
}

/** A head line, then the text indented behind a bar that it cannot leave. */
function quotedLines(message: Quoted): string[] {
	const {text, rest} = message;
	const lines = text.split('\n').map(line => `${gutter}${line}`);
	return [messageHead(message), ...lines, ...(rest === undefined ? [] : [cutLine(rest)])];
}

function quote(message: Message, reader: Tag, {text, end}: Excerpt, again = false): Quoted {
	const {id, tag, author_tag, author_kind, verified, mentions, reply_to, thread_id, created_at, body} = message;
	const left = body.length - end;
	return {
		id,
		from: printable(tag),
		provenance: provenance(message, reader),
		author: author_tag ?? undefined,
		author_kind: author_kind ?? undefined,
		verified,
		signature: signatureRemark(message) ?? undefined,
		to: mentions.slice(0, 10),
		reply_to: reply_to ?? undefined,
		thread_id,
		created_at,
		again: again || undefined,
		text,
		rest: left > 0 ? restOf(id, end, left) : undefined,
	};
}

const restLength = restOf(Number.MAX_SAFE_INTEGER, 262_144, 262_144).length + '"rest":"",'.length;

function restOf(id: number, end: number, left: number): string {
	return `read_thread with id ${id} and text_from ${end} returns the other ${left} characters`;
}
