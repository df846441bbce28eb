import {UsageError} from '../error.ts';
import {asksForUnread, contents, everything, qualities, type Filter, type Term} from '../filter.ts';
import {parseMoment} from './filter-time.ts';
import {wordsOf} from './filter-words.ts';
import {nearest} from '../text/nearest.ts';
import {isTag} from '../tag.ts';

/** An error in a query. */
export interface Fault {
	/** The position and the length of the faulty part, in UTF-16 units. */
	readonly at: number;
	readonly length: number;
	/** Quotes it, says why it is wrong and what to try: `after:2x: not a time, try after:2h`. */
	readonly message: string;
}

export interface ParsedFilter {
	/** The filter without the faulty parts; not to be used while there are faults. */
	readonly filter: Filter;
	readonly faults: readonly Fault[];
}

const fields = ['from', 'to', 'tag', 'is', 'has', 'in', 'id', 'after', 'before'] as const;
type Field = (typeof fields)[number];

/** Limits of a query, far beyond what anyone types. The database has the same (search_messages). */
const maxLength = 1000;
const maxTerms = 64;
const maxAlternatives = 16;

/** One item of a query: a minus, a field, and a value that may be quoted. Unclosed quotes extend to the end of the text. */
const item = /(?<not>-(?=\S))?(?:(?<field>[A-Za-z]+):)?(?:"(?<quoted>[^"]*)(?:"|$)|(?<bare>\S*))/uy;

/**
 * Parses a query such as `from:CLAUDE_1 -draft "login page" or after:2h`. All terms on one side of an `or` must match. A word before
 * a colon that is not the name of a field is ordinary text. `now`: milliseconds since 1970. Never throws.
 */
export function parseFilter(text: string, now: number): ParsedFilter {
	const alternatives: Term[][] = [[]];
	const faults: Fault[] = [];
	if (text.length > maxLength) {
		const message = `the query has ${text.length.toLocaleString('en')} characters, but at most ${maxLength.toLocaleString('en')} are allowed; use fewer words`;
		return {filter: everything, faults: [{at: maxLength, length: text.length - maxLength, message}]};
	}
	let terms = 0;
	for (let at = 0; at < text.length;) {
		const space = /\s+/uy;
		space.lastIndex = at;
		const blank = space.exec(text);
		if (blank !== null) {
			at += blank[0].length;
			continue;
		}
		item.lastIndex = at;
		const match = item.exec(text);
		// Every character begins an item.
		const whole = match?.[0] ?? text.slice(at);
		const {not, field, quoted, bare} = match?.groups ?? {};
		if (whole.toLowerCase() === 'or') alternatives.push([]);
		else if (++terms > maxTerms || alternatives.length > maxAlternatives) {
			const limit = terms > maxTerms ? `${maxTerms} terms` : `${maxAlternatives} alternatives`;
			faults.push({at, length: text.length - at, message: `a query can have at most ${limit}; use fewer words`});
			break;
		} else {
			const term = termOf(field, quoted ?? bare ?? '', quoted !== undefined, now);
			if (typeof term === 'string')
				faults.push({at, length: whole.length, message: `${whole.replace(/:$/, '')}: ${term}`});
			else alternatives.at(-1)?.push({...term, not: not !== undefined});
		}
		at += whole.length;
	}
	return {filter: {alternatives: alternatives.filter(terms => terms.length > 0)}, faults};
}

/**
 * Whether the last word may be the beginning of a field's name, such as `aft` of `after:2h`. A filter that is applied while the
 * user types should wait a little longer then, so that its results do not vanish and come back.
 */
export function mayBecomeField(text: string): boolean {
	const word = /(?:^|\s)-?([A-Za-z]+)$/.exec(text)?.[1]?.toLowerCase();
	return word !== undefined && fields.some(field => field.startsWith(word));
}

/**
 * Parses a query that the mailbox can answer. Throws UsageError, with this remedy, for a syntax error or a term that only the
 * screen can evaluate. `now`: milliseconds since 1970.
 */
export function parseStored(text: string, now: number, remedy: string): Filter {
	const {
		filter,
		faults: [first],
	} = parseFilter(text, now);
	if (first !== undefined)
		throw new UsageError(`Error in the query at character ${first.at + 1}: ${first.message}.`, remedy);
	if (asksForUnread(filter)) {
		throw new UsageError('is:unread works only on the screen, which knows what its user has read.', remedy);
	}
	return filter;
}

type Bare<T> = T extends unknown ? Omit<T, 'not'> : never;

/** The term, or what is wrong with it and what to try. */
function termOf(written: string | undefined, value: string, quoted: boolean, now: number): Bare<Term> | string {
	const name = written?.toLowerCase();
	const field = fields.find(each => each === name);
	if (field !== undefined) return fieldTerm(field, value, now);
	if (name !== undefined && value !== '') {
		const meant = nearest(name, fields);
		if (meant !== null) return `no such field, did you mean ${meant}:? Use quotes to search for the text`;
	}
	const words = wordsOf(name === undefined ? value : `${name} ${value}`);
	if (words.length === 0) return 'it has no letter or digit to search for';
	return {kind: 'text', words, phrase: quoted};
}

function fieldTerm(field: Field, value: string, now: number): Bare<Term> | string {
	switch (field) {
		case 'from':
		case 'to':
		case 'tag': {
			const tag = value.replace(/^[@#]/, '');
			return isTag(tag) ? {kind: field, tag} : `${value === '' ? 'no tag yet' : 'not a tag'}, try ${field}:CLAUDE_1`;
		}
		case 'in':
		case 'id': {
			const digits = /^#?(\d{1,15})$/.exec(value)?.[1];
			return digits === undefined ? `not a message's number, try ${field}:#12` : {kind: field, id: Number(digits)};
		}
		case 'after':
		case 'before': {
			const moment = parseMoment(value, now);
			return moment === null ? `not a time, try ${field}:2h or ${field}:2026-11-20` : {kind: field, moment};
		}
		case 'is': {
			const quality = qualities.find(each => each === value.toLowerCase());
			return quality === undefined ? `not known, try ${among('is', qualities)}` : {kind: 'is', quality};
		}
		case 'has': {
			const content = contents.find(each => each === value.toLowerCase());
			return content === undefined ? `not known, try ${among('has', contents)}` : {kind: 'has', content};
		}
	}
}

function among(field: Field, values: readonly string[]): string {
	return values.map(value => `${field}:${value}`).join(', ');
}
