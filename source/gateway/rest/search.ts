import {momentAt, type Term} from '../../mailbox/filter.ts';

/** The arguments of search_messages (supabase/migrations): of each list all items must hold; a minus turns one round. */
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

/** One alternative of a filter as arguments; what the mailbox cannot know is left out. `now`: milliseconds since 1970. */
export function searchArguments(terms: readonly Term[], now: number): SearchArguments {
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
				// Not after a moment is before it.
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

/** The years that both JavaScript and PostgreSQL write with four digits. */
const [earliest, latest] = [Date.UTC(1000, 0), Date.UTC(9999, 0)];

function timestamp(at: number): string | null {
	return Number.isFinite(at) ? new Date(Math.max(earliest, Math.min(latest, at))).toISOString() : null;
}
