import {randomUUID} from 'node:crypto';
import {z} from 'zod';
import {checkContent} from '../../mailbox/content.ts';
import {contentOf, mentionsIn, urgentMeta} from '../../mailbox/message.ts';
import {RecentMap} from '../../mailbox/recent.ts';
import {HUMAN, sameTag, type Tag} from '../../mailbox/tag.ts';
import {JoinedTags} from '../answers/unknown-tags.ts';
import {idSchema, tagSchema} from '../arguments/common.ts';
import type {Session} from '../session/session.ts';
import {defineTool, type Tool} from '../session/tool.ts';

/** The maximum number of addressees named in one answer. */
const maxTags = 100;
/** How many unconfirmed messages are remembered; each may be long. */
const maxUnconfirmed = 20;

/** What models write in the place of a tag for a message to everyone. As tags they would be agents that nobody is. */
const everyone = /^(?:all|everyone|everybody)$/i;

export function sendMessage(session: Session): Tool {
	// The client ids of unconfirmed messages, by their contents: if the agent tries again, the message is stored only once.
	const unconfirmed = new RecentMap<string, string>(maxUnconfirmed);
	const joined = new JoinedTags();

	return defineTool(
		{
			name: 'send_message',
			title: 'Send a message',
			description: `Sends a message to agents or ${HUMAN}.`,
			input: {
				text: z.string().min(1),
				to: z.array(tagSchema).max(32).optional().describe('tags; none: everyone'),
				reply_to: idSchema.optional(),
				urgent: z.boolean().optional(),
			},
			alwaysLoad: true,
		},
		async ({text, to = [], reply_to, urgent = false}) => {
			checkContent(text.trim() === '' ? '' : text);
			const content = contentOf(session.tag, addressed(text, to.some(tag => everyone.test(tag)) ? [] : to));
			checkContent(content);
			const mailbox = await session.mailbox();
			const contents = JSON.stringify([content, reply_to, urgent]);
			const client_id = unconfirmed.get(contents) ?? randomUUID();
			unconfirmed.set(contents, client_id);
			const message = await mailbox.post({
				content,
				client_id,
				reply_to: reply_to ?? null,
				...(urgent ? {meta: urgentMeta} : {}),
			});
			unconfirmed.delete(contents);
			// A failure here is ignored: the message was sent, and an error would make the agent send it twice.
			const unknown = await joined.unknownLines(mailbox, message.mentions, 'message').catch(() => []);
			const whom = message.mentions.length === 0 ? 'everyone' : message.mentions.slice(0, maxTags).join(', ');
			return [`Sent to ${whom} as ${urgent ? 'urgent ' : ''}message #${message.id}.`, ...unknown];
		},
	);
}

function addressed(text: string, to: readonly Tag[]): string {
	const mentioned = mentionsIn(text);
	const missing = to.filter(tag => !mentioned.some(other => sameTag(tag, other)));
	return [...missing.map(tag => `@${tag}`), text].join(' ');
}
