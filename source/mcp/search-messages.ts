import type {McpServer} from '@modelcontextprotocol/sdk/server/mcp.js';
import {z} from 'zod';
import {answer, answering} from './answer.ts';
import type {Desk} from './desk.ts';
import {notice, quote, quotedLines, quotedMessage} from './quoted.ts';

/** Characters of one text: enough to tell whether it is the one. */
const longest = 2000;

export function registerSearchMessages(server: McpServer, desk: Desk): void {
	server.registerTool(
		'search_messages',
		{
			title: 'Search messages',
			description: 'Full-text search over all messages of everyone, newest first. Marks nothing as read.',
			inputSchema: {
				query: z
					.string()
					.min(1)
					.max(1000)
					.describe('Words that must all occur; "a phrase"; or between alternatives; -word excludes.'),
				limit: z.number().int().min(1).max(50).default(10),
			},
			outputSchema: {notice: z.string(), messages: z.array(quotedMessage)},
			annotations: {readOnlyHint: true, openWorldHint: false},
		},
		({query, limit}) =>
			answering(async () => {
				const messages = await (await desk.mailbox()).search(query, limit);
				const lines =
					messages.length === 0 ? ['Nothing was found.'] : [`${messages.length} found, newest first. ${notice}`];
				for (const message of messages) lines.push('', ...quotedLines(message, longest));
				return answer(lines, {notice, messages: messages.map(message => quote(message, longest))});
			}),
	);
}
