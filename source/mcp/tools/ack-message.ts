import {z} from 'zod';
import {MailboxError} from '../../mailbox/error.ts';
import {sameTag} from '../../mailbox/tag.ts';
import {listed} from '../answers/listed.ts';
import {idSchema} from '../arguments/common.ts';
import type {Session} from '../session/session.ts';
import {route} from '../session/taking.ts';
import {defineTool, type Tool} from '../session/tool.ts';

export function ackMessage(session: Session): Tool {
	return defineTool(
		{
			name: 'ack_message',
			title: 'Acknowledge messages',
			description: 'Closes messages that will get no answer.',
			input: {ids: z.array(idSchema).min(1).max(100)},
			idempotent: true,
			rare: true,
		},
		async ({ids}) => {
			const mailbox = await session.mailbox();
			await mailbox.ack(ids, route);
			const mine = (await mailbox.receipts(ids)).filter(({reader}) => sameTag(reader, session.tag));
			const known = new Set(mine.filter(({state}) => state === 'acked').map(({message_id}) => message_id));
			const asked = [...new Set(ids)];
			const acknowledged = asked.filter(id => known.has(id));
			const unknown = asked.filter(id => !known.has(id));
			const missing =
				unknown.length === 0
					? []
					: [`There is no message ${listed(unknown)}; check_messages with again: true shows open messages.`];
			if (acknowledged.length === 0)
				throw new MailboxError('not_found', ['Nothing was acknowledged.', ...missing].join(' '));
			return [`Acknowledged: ${listed(acknowledged)}.`, ...missing];
		},
	);
}
