import type {SupabaseClient} from '@supabase/supabase-js';
import {momentAt, type Filter, type Term} from '../../mailbox/filter.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {Message} from '../../mailbox/message.ts';
import type {SearchedTo, SearchPage, SearchPart} from '../../mailbox/query.ts';
import type {MessageRows} from './message-rows.ts';
import type {Arguments, Request, Requests} from './requests.ts';
import {readSearchPart} from './rows.ts';

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

/**
 * Milliseconds after which a call of search_part begins no further step. The first answer comes at once; later calls are longer, but no
 * caller of the database waits for one.
 */
const [firstPart, furtherPart] = [4, 40];

/** One alternative of a filter, as far as it was searched. */
interface Alternative {
	readonly args: SearchArguments;
	readonly found: Message[];
	/** Null if its page is full, or nothing older is left. */
	searchedTo: SearchedTo | null;
}

/** Searches messages with calls for each alternative of the filter, whose pages together contain the newest of all. */
export function createSearch(requests: Requests, messages: MessageRows): Pick<Mailbox, 'search' | 'searchParts'> {
	/** Makes a call for the next part of a page. An older database has only one for the whole page. */
	async function searchOn(
		alternative: Alternative,
		size: number,
		milliseconds: number,
		signal?: AbortSignal,
	): Promise<void> {
		const {args, found, searchedTo} = alternative;
		const page = {...args, p_limit: size - found.length, p_before_id: searchedTo?.id ?? null};
		const ask = (name: 'search_part' | 'search_messages', all: object): Promise<unknown> => {
			const request: Request = client => {
				const call = (client as SupabaseClient).rpc(name, all);
				return signal === undefined ? call : call.abortSignal(signal);
			};
			return requests.request(request, signal === undefined ? {} : {signal});
		};
		const part = await requests.newer(
			'search_part',
			async () => {
				const timed = {...page, p_milliseconds: milliseconds} satisfies Arguments<'search_part'>;
				const {messages: read, searchedTo: to} = readSearchPart(await ask('search_part', timed));
				return {messages: await messages.of(read), to};
			},
			async () => {
				const whole: Arguments<'search_messages'> = page;
				return {messages: await messages.read(await ask('search_messages', whole)), to: null};
			},
		);
		found.push(...part.messages);
		alternative.searchedTo = part.to;
	}

	async function* searchParts(
		{alternatives}: Filter,
		{limit = 50, before, signal}: SearchPage = {},
		first = firstPart,
	): AsyncGenerator<SearchPart, void> {
		const now = Date.now();
		const size = Math.min(Math.max(limit, 1), 1000);
		const begin = before === undefined ? null : {id: before, at: null};
		const all = (alternatives.length === 0 ? [[]] : alternatives).map((terms): Alternative => ({
			args: searchArguments(terms, now),
			found: [],
			searchedTo: begin,
		}));
		let open = all;
		for (let [shown, milliseconds] = [0, first]; ; milliseconds = furtherPart) {
			const asked = milliseconds;
			await Promise.all(open.map(alternative => searchOn(alternative, size, asked, signal)));
			open = all.filter(({searchedTo}) => searchedTo !== null);
			const reached = open
				.map(({searchedTo}) => searchedTo)
				.reduce((one, other) => ((other?.id ?? 0) > (one?.id ?? 0) ? other : one), null);
			// Older ones may come before these in the page.
			const sure = merged(all).filter(({id}) => id >= (reached?.id ?? 0));
			const isLast = reached === null || sure.length >= size;
			yield {messages: sure.slice(shown, size), searchedTo: isLast ? null : reached};
			if (isLast) return;
			shown = sure.length;
		}
	}

	return {
		searchParts: (filter, page) => searchParts(filter, page),
		async search(filter, page) {
			const found: Message[] = [];
			for await (const part of searchParts(filter, page, furtherPart)) found.push(...part.messages);
			return found;
		},
	};
}

/** What all of them found, newest first, each message once. */
function merged(alternatives: readonly Alternative[]): Message[] {
	const [only] = alternatives;
	if (alternatives.length === 1 && only !== undefined) return only.found;
	const byId = new Map(alternatives.flatMap(({found}) => found).map(message => [message.id, message]));
	return [...byId.values()].sort((one, other) => other.id - one.id);
}
