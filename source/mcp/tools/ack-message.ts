import type {McpServer} from '@modelcontextprotocol/sdk/server/mcp.js';
import {z} from 'zod';
import {MailboxError} from '../../mailbox/error.ts';
import {sameTag} from '../../mailbox/tag.ts';
import {answer, answering} from '../answers/answer.ts';
import type {Session} from '../session/session.ts';
import {listed} from '../answers/listed.ts';
import {route} from '../session/taking.ts';

export function registerAckMessage(server: McpServer, session: Session): void {
	server.registerTool(
		'ack_message',
		{
			title: 'Acknowledge messages',
			description:
				`Marks messages that need no answer as done for ${session.tag}: they leave its inbox, and their senders see that they ` +
				'were read. A reply (send_message with reply_to) does this, too. Acknowledging twice changes nothing. Others ' +
				'acknowledge the same message separately.',
			inputSchema: z.strictObject({
				ids: z.array(z.number().int().positive()).min(1).max(100).describe('The ids of the messages.'),
			}),
			outputSchema: {
				acknowledged: z.array(z.number().int()),
				unknown: z.array(z.number().int()).describe('Ids of messages that do not exist.'),
				hint: z.string().optional(),
			},
			annotations: {readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false},
		},
		({ids}) =>
			answering(async () => {
				const mailbox = await session.mailbox();
				await mailbox.ack(ids, route);
				const mine = (await mailbox.receipts(ids)).filter(({reader}) => sameTag(reader, session.tag));
				const known = new Set(mine.filter(({state}) => state === 'acked').map(({message_id}) => message_id));
				const asked = [...new Set(ids)];
				const acknowledged = asked.filter(id => known.has(id));
				const unknown = asked.filter(id => !known.has(id));
				const hint =
					unknown.length === 0
						? undefined
						: `There is no message ${listed(unknown)}; check_messages with again: true shows open messages.`;
				if (acknowledged.length === 0) throw new MailboxError('not_found', `Nothing was acknowledged. ${hint ?? ''}`);
				const lines = [`Acknowledged: ${listed(acknowledged)}.`, ...(hint === undefined ? [] : [hint])];
				return answer(lines, {acknowledged, unknown, hint});
			}),
	);
}
