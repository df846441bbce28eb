import {z} from 'zod';
import {parseStored} from '../../mailbox/filter/filter-parse.ts';
import {listed} from '../answers/listed.ts';
import type {Message} from '../../mailbox/message.ts';
import type {SearchedTo, SearchPart} from '../../mailbox/query.ts';
import {fitting, quoteAll, quotedBlock} from '../answers/quoted.ts';
import {limitSchema} from '../arguments/common.ts';
import type {Session} from '../session/session.ts';
import {defineTool, type Tool} from '../session/tool.ts';

/** The time that one call may take; a client may stop waiting for a longer one. */
const seconds = 10;

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
		async ({query, limit}, {room, signal}) => {
			const filter = parseStored(query, Date.now(), 'Put literal text in quotes.');
			const {found, searchedTo} = await within(seconds, (await session.mailbox()).searchParts(filter, {limit, signal}));
			const unsearched = searchedTo === null ? [] : [notSearched(searchedTo)];
			if (found.length === 0) return searchedTo === null ? ['No messages found. Try fewer words.'] : unsearched;
			const shown = found.slice(0, fitting(found, {reader, room}));
			const rest = found.slice(shown.length).map(({id}) => id);
			const others = rest.length === 0 ? [] : [`Also found: ${listed(rest)}: read_thread shows one.`];
			const all = [...others, ...unsearched];
			return quotedBlock(`${found.length} found, newest first.`, quoteAll(shown, {reader, room}), all);
		},
	);
}

/** What the parts of a search found in that time, and how far back everything was searched; null: as far as the page reaches. */
async function within(
	limit: number,
	parts: AsyncIterable<SearchPart>,
): Promise<{found: Message[]; searchedTo: SearchedTo | null}> {
	const end = performance.now() + limit * 1000;
	const found: Message[] = [];
	let searchedTo: SearchedTo | null = null;
	for await (const part of parts) {
		found.push(...part.messages);
		({searchedTo} = part);
		if (performance.now() >= end) break;
	}
	return {found, searchedTo};
}

function notSearched({id, at}: SearchedTo): string {
	if (at === null) return `The search stopped after ${seconds} s, at message #${id}. Older messages were not searched.`;
	// The next millisecond, since timestamps have microseconds: one message twice is better than one too few.
	const before = new Date(Date.parse(at) + 1).toISOString();
	return `The search stopped after ${seconds} s, at message #${id}. Add before:${before} to search older ones.`;
}
