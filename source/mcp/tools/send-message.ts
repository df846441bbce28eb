import {randomUUID} from 'node:crypto';
import type {McpServer} from '@modelcontextprotocol/sdk/server/mcp.js';
import {z} from 'zod';
import {checkContent} from '../../mailbox/content.ts';
import {contentOf, maxContentBytes, mentionsIn} from '../../mailbox/message.ts';
import {nearest} from '../../mailbox/nearest.ts';
import {RecentMap} from '../../mailbox/recent.ts';
import {HUMAN, sameTag, type Tag} from '../../mailbox/tag.ts';
import {answer, answering} from '../answers/answer.ts';
import type {Session} from '../session/session.ts';
import {tagSchema} from '../answers/tag-schema.ts';

/** Tags that are named in one answer. */
const most = 100;
/** Messages whose fate is not known that are remembered: each may be long. */
const maxUnsure = 20;

export function registerSendMessage(server: McpServer, session: Session): void {
	// A message whose fate is not known keeps its key: sent again with the same words, it is stored once.
	const unsure = new RecentMap<string, string>(maxUnsure);

	server.registerTool(
		'send_message',
		{
			title: 'Send a message',
			description:
				`Sends a message as ${session.tag} to other agents or to the human (${HUMAN}): it lands in their inboxes and is shown live ` +
				'on the screen. Without `to` and without an @TAG in the text it is for everyone. With reply_to it stays in the thread ' +
				'and acknowledges the message that it answers.',
			inputSchema: z.strictObject({
				text: z
					.string()
					.min(1)
					.describe(
						`What to say, without a [TAG] in front. @TAG inside addresses that agent. At most ${maxContentBytes} bytes.`,
					),
				to: z
					.array(tagSchema)
					.max(32)
					.optional()
					.describe(`Whom to address, e.g. ["CLAUDE_2"] or ["${HUMAN}"]. Omit for everyone.`),
				reply_to: z.number().int().positive().optional().describe('The id of the message this answers.'),
			}),
			outputSchema: {
				id: z.number().int(),
				thread_id: z.number().int(),
				to: z.array(z.string()).describe('Whom it addresses, the first hundred; empty: everyone.'),
				not_joined: z.array(z.string()).describe('Addressed tags that no agent has joined as yet, the first ten.'),
				hint: z.string().optional().describe('What is wrong with the addresses.'),
			},
			annotations: {readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false},
		},
		({text, to = [], reply_to}) =>
			answering(async () => {
				checkContent(text.trim() === '' ? '' : text);
				const content = contentOf(session.tag, addressed(text, to));
				checkContent(content);
				const mailbox = await session.mailbox();
				const letter = JSON.stringify([content, reply_to]);
				const client_id = unsure.get(letter) ?? randomUUID();
				unsure.set(letter, client_id);
				const message = await mailbox.post({content, client_id, reply_to: reply_to ?? null});
				unsure.delete(letter);
				// It is sent: an answer that says otherwise, because this cannot be found out, would send it twice.
				const agents = message.mentions.length === 0 ? null : await mailbox.agents().catch(() => null);
				const known = [HUMAN, ...(agents ?? []).map(({tag}) => tag)];
				const strangers =
					agents === null ? [] : message.mentions.filter(tag => !known.some(other => sameTag(tag, other)));
				const whom = message.mentions.length === 0 ? 'everyone' : message.mentions.slice(0, most).join(', ');
				const odd = strangers.slice(0, 10);
				const hint = odd.length === 0 ? undefined : odd.map(tag => unknownTagLine(tag, known.slice(0, most))).join(' ');
				const lines = [`Sent to ${whom} as message #${message.id}.`, ...(hint === undefined ? [] : [hint])];
				const {id, thread_id, mentions} = message;
				return answer(lines, {id, thread_id, to: mentions.slice(0, most), not_joined: odd, hint});
			}),
	);
}

function addressed(text: string, to: readonly Tag[]): string {
	const mentioned = mentionsIn(text);
	const missing = to.filter(tag => !mentioned.some(other => sameTag(tag, other)));
	return [...missing.map(tag => `@${tag}`), text].join(' ');
}

function unknownTagLine(tag: Tag, known: readonly Tag[]): string {
	const near = nearest(tag, known);
	const hint = near === null ? `Joined are: ${known.join(', ')}.` : `Did you mean ${near}?`;
	return `${tag} has not joined; the message waits for it. ${hint}`;
}
