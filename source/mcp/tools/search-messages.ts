import type {McpServer} from '@modelcontextprotocol/sdk/server/mcp.js';
import {z} from 'zod';
import {parseStored} from '../../mailbox/filter/filter-parse.ts';
import {notice} from '../../quotation/agent-text.ts';
import {answer, answering} from '../answers/answer.ts';
import type {Session} from '../session/session.ts';
import {quoteAll, quotedBlock, quotedMessage} from '../answers/quoted.ts';

export function registerSearchMessages(server: McpServer, session: Session): void {
	server.registerTool(
		'search_messages',
		{
			title: 'Search messages',
			description:
				'Full-text search over all messages, newest first, to find what was said or decided earlier. Marks nothing. ' +
				'read_thread shows the conversation around a result.',
			inputSchema: z.strictObject({
				query: z
					.string()
					.min(1)
					.max(1000)
					.describe(
						'Words that must all occur (prefixes match); "a phrase"; `or` between alternatives; -word excludes. ' +
							'Also from:TAG to:TAG tag:TAG in:#12 after:2h before:2026-11-20 has:task|code|link is:mine|unverified|stuck.',
					),
				limit: z.number().int().min(1).max(50).default(10).describe('The maximum number of messages.'),
			}),
			outputSchema: {notice: z.string(), messages: z.array(quotedMessage), hint: z.string()},
			annotations: {readOnlyHint: true, openWorldHint: false},
		},
		({query, limit}) =>
			answering(async () => {
				const filter = parseStored(query, Date.now(), 'Put literal text in quotes.');
				const messages = quoteAll(await (await session.mailbox()).search(filter, {limit}), session.tag);
				const hint =
					messages.length === 0
						? 'No messages found. Try fewer words.'
						: 'Use read_thread with an id to see the conversation around it.';
				if (messages.length === 0) return answer([hint], {notice, messages, hint});
				const lines = quotedBlock(`${messages.length} found, newest first.`, messages, hint);
				return answer(lines, {notice, messages, hint});
			}),
	);
}
