import {UsageError} from '../error.ts';
import {asksForUnread, contents, everything, qualities, type Filter, type Term} from '../filter.ts';
import {parseMoment} from './filter-time.ts';
import {wordsOf} from './filter-words.ts';
import {nearest} from '../nearest.ts';
import {isTag} from '../tag.ts';

/** What in a query does not parse. */
export interface Fault {
	/** Offset of what is wrong in the text, in UTF-16 units, and its length. */
	readonly at: number;
	readonly length: number;
	/** Names it, says why and what to try: `after:2x: not a time, try after:2h`. */
	readonly message: string;
}

export interface ParsedFilter {
	/** What the rest of the text says; not to be used while there are faults. */
	readonly filter: Filter;
	readonly faults: readonly Fault[];
}

const fields = ['from', 'to', 'tag', 'is', 'has', 'in', 'id', 'after', 'before'] as const;
type Field = (typeof fields)[number];

/** Characters and terms of a query: far more than anyone types. The database refuses more, too (search_messages). */
const maxLength = 1000;
const maxTerms = 64;
const maxAlternatives = 16;

/** One item of a query: a minus, a field, and a value that may be quoted. Quotes that are not closed end with the text. */
const item = /(?<not>-(?=\S))?(?:(?<field>[A-Za-z]+):)?(?:"(?<quoted>[^"]*)(?:"|$)|(?<bare>\S*))/uy;

/**
 * `from:CLAUDE_1 -draft "login page" or after:2h`: all terms of one side of an `or` must hold. A word before a colon that
 * is no field's name is text like any other. `now`: milliseconds since 1970. Never throws.
 */
export function parseFilter(text: string, now: number): ParsedFilter {
	const alternatives: Term[][] = [[]];
	const faults: Fault[] = [];
	if (text.length > maxLength) {
		const message = `the query has ${text.length.toLocaleString('en')} characters, and at most ${maxLength.toLocaleString('en')} are read: search for fewer words`;
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
			const most = terms > maxTerms ? `${maxTerms} terms` : `${maxAlternatives} alternatives`;
			faults.push({at, length: text.length - at, message: `a query has at most ${most}: search for fewer words`});
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
 * Whether the word at the end may yet become a field's name: `aft` of `after:2h`. Whoever filters while somebody types waits
 * a little longer then, so that what is shown does not vanish and come back.
 */
export function mayBecomeField(text: string): boolean {
	const word = /(?:^|\s)-?([A-Za-z]+)$/.exec(text)?.[1]?.toLowerCase();
	return word !== undefined && fields.some(field => field.startsWith(word));
}

/**
 * A query for the mailbox alone. Throws UsageError, with this remedy, that names what does not parse and where, and for
 * what only the screen knows. `now`: milliseconds since 1970.
 */
export function parseStored(text: string, now: number, remedy: string): Filter {
	const {
		filter,
		faults: [first],
	} = parseFilter(text, now);
	if (first !== undefined) throw new UsageError(`At ${first.at + 1}, ${first.message}.`, remedy);
	if (asksForUnread(filter)) {
		throw new UsageError('is:unread is what a human has not looked at, which only the screen knows.', remedy);
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
		if (meant !== null) return `no such field, did you mean ${meant}:? Quote it to find the text`;
	}
	const words = wordsOf(name === undefined ? value : `${name} ${value}`);
	if (words.length === 0) return 'no letter or digit in it to look for';
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
