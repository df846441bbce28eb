import {z} from 'zod';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {Message} from '../../mailbox/message.ts';
import {sameTag, type Tag} from '../../mailbox/tag.ts';
import {listed} from '../answers/listed.ts';
import {fitting, quoteAll, quotedBlock} from '../answers/quoted.ts';
import {idSchema, limitSchema} from '../arguments/common.ts';
import {handOver} from '../session/hand-over.ts';
import type {Session} from '../session/session.ts';
import type {Taking} from '../session/taking.ts';
import {defineTool, type Tool} from '../session/tool.ts';

/** How many of the oldest open messages are searched for those that were handed over before. */
const depth = 200;

export function checkMessages(session: Session, taking: Taking): Tool {
	const {tag} = session;
	return defineTool(
		{
			name: 'check_messages',
			title: 'Check messages',
			description: 'Returns new messages.',
			input: {
				limit: limitSchema,
				again: z.boolean().default(false).describe('open ones you already have'),
				after: idSchema.optional(),
			},
		},
		async ({limit, again, after = 0}, call) => {
			const mailbox = await session.mailbox();
			if (again) return openLines(await openMail(mailbox, tag, depth), {reader: tag, limit, after, room: call.room});
			const taken = await taking.take(mailbox, {limit, room: call.room, open: true});
			const {open} = taken;
			const remark = open.length === 0 ? '' : ` You already have ${listed(open)}, still open: again: true shows them.`;
			const none = `No new messages for ${tag}.${remark}`;
			return handOver({session, mailbox, taking, taken, none}, call);
		},
	);
}

/** Open messages that the reader already has, oldest first. Marks nothing. */
async function openMail(mailbox: Mailbox, reader: Tag, limit: number): Promise<Message[]> {
	const messages = await mailbox.inbox(reader, {limit});
	const receipts = messages.length === 0 ? [] : await mailbox.receipts(messages.map(({id}) => id));
	const given = new Set(receipts.filter(receipt => sameTag(receipt.reader, reader)).map(({message_id}) => message_id));
	return messages.filter(({id}) => given.has(id));
}

interface Page {
	readonly reader: Tag;
	readonly limit: number;
	/** Only higher ids. */
	readonly after: number;
	readonly room: number;
}

function openLines(open: readonly Message[], {reader, limit, after, room}: Page): string[] {
	const left = open.filter(({id}) => id > after);
	const page = left.slice(0, limit);
	const shown = page.slice(0, fitting(page, {reader, room}));
	const last = shown.at(-1)?.id ?? after;
	const count = `${left.length} ${left.length === 1 ? 'message' : 'messages'}`;
	const head = `${count} that ${reader} already has ${left.length === 1 ? 'is' : 'are'} open.`;
	if (shown.length === 0) return [head];
	const rest = left.length > shown.length ? [`More are open: check_messages with again: true and after: ${last}.`] : [];
	return quotedBlock(head, quoteAll(shown, {reader, room}), rest);
}
