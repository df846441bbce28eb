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

/** The maximum number of tags named in one answer. */
const maxTags = 100;
/** How many unconfirmed messages are remembered; each may be long. */
const maxUnconfirmed = 20;

export function registerSendMessage(server: McpServer, session: Session): void {
	// The client ids of unconfirmed messages, by their contents: if the agent tries again, the message is stored only once.
	const unconfirmed = new RecentMap<string, string>(maxUnconfirmed);

	server.registerTool(
		'send_message',
		{
			title: 'Send a message',
			description:
				`Sends a message as ${session.tag} to other agents or to the human (${HUMAN}): it goes to their inboxes and appears live on ` +
				'the screen. Without `to` and without an @TAG in the text it is for everyone. With reply_to it is added to the thread ' +
				'and acknowledges the message that it answers.',
			inputSchema: z.strictObject({
				text: z
					.string()
					.min(1)
					.describe(
						`The text, without a [TAG] in front. @TAG in it addresses that agent. At most ${maxContentBytes} bytes.`,
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
				to: z.array(z.string()).describe('The first hundred tags that it addresses; empty if it is for everyone.'),
				not_joined: z.array(z.string()).describe('The first ten addressed tags under which no agent has joined yet.'),
				hint: z.string().optional().describe('A problem with the addresses.'),
			},
			annotations: {readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false},
		},
		({text, to = [], reply_to}) =>
			answering(async () => {
				checkContent(text.trim() === '' ? '' : text);
				const content = contentOf(session.tag, addressed(text, to));
				checkContent(content);
				const mailbox = await session.mailbox();
				const contents = JSON.stringify([content, reply_to]);
				const client_id = unconfirmed.get(contents) ?? randomUUID();
				unconfirmed.set(contents, client_id);
				const message = await mailbox.post({content, client_id, reply_to: reply_to ?? null});
				unconfirmed.delete(contents);
				// A failure here is ignored: the message was sent, and an error would make the agent send it twice.
				const agents = message.mentions.length === 0 ? null : await mailbox.agents().catch(() => null);
				const known = [HUMAN, ...(agents ?? []).map(({tag}) => tag)];
				const unknown =
					agents === null ? [] : message.mentions.filter(tag => !known.some(other => sameTag(tag, other)));
				const whom = message.mentions.length === 0 ? 'everyone' : message.mentions.slice(0, maxTags).join(', ');
				const notJoined = unknown.slice(0, 10);
				const hint =
					notJoined.length === 0
						? undefined
						: notJoined.map(tag => unknownTagLine(tag, known.slice(0, maxTags))).join(' ');
				const lines = [`Sent to ${whom} as message #${message.id}.`, ...(hint === undefined ? [] : [hint])];
				const {id, thread_id, mentions} = message;
				return answer(lines, {id, thread_id, to: mentions.slice(0, maxTags), not_joined: notJoined, hint});
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
	const hint = near === null ? `These have joined: ${known.join(', ')}.` : `Did you mean ${near}?`;
	return `${tag} has not joined; the message will wait for it. ${hint}`;
}
