import type {Message} from '../../source/mailbox/message.ts';
import {mentionsIn, readContent} from '../../source/mailbox/message.ts';

/** A row as the database would derive it from a content; every column can be overridden. */
export function messageRow(id: number, content: string, other: Partial<Message> = {}): Message {
	const {tag, body} = readContent(content);
	return {
		id,
		content,
		tag,
		body,
		mentions: mentionsIn(body),
		reply_to: null,
		thread_id: id,
		client_id: null,
		meta: {},
		author_tag: tag,
		author_kind: 'agent',
		verified: true,
		xid: String(1000 + id),
		created_at: '2026-11-20T14:02:00.000Z',
		signed: false,
		...other,
	};
}
