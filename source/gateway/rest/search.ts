import type {SupabaseClient} from '@supabase/supabase-js';
import {momentAt, type Filter, type Term} from '../../mailbox/filter.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {Message} from '../../mailbox/message.ts';
import type {SearchPage} from '../../mailbox/query.ts';
import type {MessageRows} from './message-rows.ts';
import type {Arguments, Request, Requests} from './requests.ts';

/** The arguments of search_messages (supabase/migrations). All items of a list must match; a minus negates an item. */
interface SearchArguments {
	readonly p_words: string[];
	readonly p_from: string[];
	readonly p_to: string[];
	readonly p_tag: string[];
	readonly p_thread: number[];
	readonly p_id: number[];
	readonly p_is: string[];
	readonly p_has: string[];
	/** ISO 8601. */
	p_after: string | null;
	p_before: string | null;
}

/** One alternative of a filter as arguments, without terms that the database cannot decide. `now`: milliseconds since 1970. */
function searchArguments(terms: readonly Term[], now: number): SearchArguments {
	const all: SearchArguments = {
		p_words: [],
		p_from: [],
		p_to: [],
		p_tag: [],
		p_thread: [],
		p_id: [],
		p_is: [],
		p_has: [],
		p_after: null,
		p_before: null,
	};
	let [after, before] = [-Infinity, Infinity];
	for (const term of terms) {
		const minus = term.not ? '-' : '';
		switch (term.kind) {
			case 'text':
				all.p_words.push(`${minus}${term.words.join(' ')}${term.phrase ? '' : '*'}`);
				break;
			case 'from':
			case 'to':
			case 'tag':
				all[`p_${term.kind}`].push(minus + term.tag);
				break;
			case 'in':
				all.p_thread.push(term.not ? -term.id : term.id);
				break;
			case 'id':
				all.p_id.push(term.not ? -term.id : term.id);
				break;
			case 'is':
				if (term.quality !== 'unread') all.p_is.push(minus + term.quality);
				break;
			case 'has':
				all.p_has.push(minus + term.content);
				break;
			case 'after':
			case 'before': {
				// "Not after" a moment means before it.
				const at = momentAt(term.moment, now);
				if ((term.kind === 'after') === term.not) before = Math.min(before, at);
				else after = Math.max(after, at);
			}
		}
	}
	all.p_after = timestamp(after);
	all.p_before = timestamp(before);
	return all;
}

/** The range of years that both JavaScript and PostgreSQL write with four digits. */
const [earliest, latest] = [Date.UTC(1000, 0), Date.UTC(9999, 0)];

function timestamp(at: number): string | null {
	return Number.isFinite(at) ? new Date(Math.max(earliest, Math.min(latest, at))).toISOString() : null;
}

/** Searches messages with one call for each alternative of the filter, whose pages together contain the newest of all. */
export function createSearch(requests: Requests, messages: MessageRows): Mailbox['search'] {
	return async ({alternatives}: Filter, {limit = 50, before, signal}: SearchPage = {}): Promise<Message[]> => {
		const now = Date.now();
		const size = Math.min(Math.max(limit, 1), 1000);
		const pages = await Promise.all(
			(alternatives.length === 0 ? [[]] : alternatives).map(async terms => {
				const args: Arguments<'search_messages'> = {
					...searchArguments(terms, now),
					p_limit: size,
					p_before_id: before ?? null,
				};
				const request: Request = client => {
					const call = (client as SupabaseClient).rpc('search_messages', args);
					return signal === undefined ? call : call.abortSignal(signal);
				};
				const found = await requests.request(request, signal === undefined ? {} : {signal});
				return messages.read(found);
			}),
		);
		const [only = []] = pages;
		if (pages.length === 1) return only;
		const byId = new Map(pages.flat().map(message => [message.id, message]));
		return [...byId.values()].sort((one, other) => other.id - one.id).slice(0, size);
	};
}
