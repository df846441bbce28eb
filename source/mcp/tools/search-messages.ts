import {z} from 'zod';
import {parseStored} from '../../mailbox/filter/filter-parse.ts';
import {listed} from '../answers/listed.ts';
import {fitting, quoteAll, quotedBlock} from '../answers/quoted.ts';
import {limitSchema} from '../arguments/common.ts';
import type {Session} from '../session/session.ts';
import {defineTool, type Tool} from '../session/tool.ts';

export function searchMessages(session: Session): Tool {
	const reader = session.tag;
	return defineTool(
		{
			name: 'search_messages',
			title: 'Search messages',
			description: 'Searches all messages, newest first.',
			input: {
				query: z
					.string()
					.min(1)
					.max(1000)
					.describe('words "a phrase" or -word from:TAG to:TAG in:#12 after:2h before:2026-11-20 has:task|code|link'),
				limit: limitSchema.default(10),
			},
			readOnly: true,
			rare: true,
		},
		async ({query, limit}, {room}) => {
			const filter = parseStored(query, Date.now(), 'Put literal text in quotes.');
			const found = await (await session.mailbox()).search(filter, {limit});
			if (found.length === 0) return ['No messages found. Try fewer words.'];
			const shown = found.slice(0, fitting(found, {reader, room}));
			const rest = found.slice(shown.length).map(({id}) => id);
			const others = rest.length === 0 ? [] : [`Also found: ${listed(rest)}: read_thread shows one.`];
			return quotedBlock(`${found.length} found, newest first.`, quoteAll(shown, {reader, room}), others);
		},
	);
}
