import {momentAt, type Content, type Filter, type Quality, type Term} from '../filter.ts';
import {searchedCharacters, wordsPattern} from './filter-words.ts';
import {inChannel, type Message} from '../message.ts';
import {sameTag, type Tag} from '../tag.ts';

/** What a filter needs to know besides the message itself. */
export interface Facts {
	/** Milliseconds since 1970; the reference for `after:2h`. */
	readonly now: number;
	/** Whose filter it is. */
	readonly me: Tag | null;
	readonly isUnread: (message: Message) => boolean;
	/** Whether it is stuck for one of its readers. */
	readonly isStuck: (message: Message) => boolean;
}

type Test = (message: Message) => boolean;

/** Compiles a filter to a test for messages, with the same rules as the database's (search_messages in supabase/migrations). */
export function compileFilter({alternatives}: Filter, facts: Facts): Test {
	if (alternatives.length === 0) return () => true;
	const tests = alternatives.map(terms => terms.map(term => testOf(term, facts)));
	return message => tests.some(all => all.every(test => test(message)));
}

function testOf(term: Term, facts: Facts): Test {
	const test = positive(term, facts);
	return term.not ? message => !test(message) : test;
}

function positive(term: Term, facts: Facts): Test {
	switch (term.kind) {
		case 'text': {
			const pattern = wordsPattern(term.words, term.phrase);
			return ({content}) => pattern.test(content.slice(0, searchedCharacters));
		}
		case 'from':
			return ({tag}) => sameTag(tag, term.tag);
		case 'to':
			return ({mentions}) => mentions.some(tag => sameTag(tag, term.tag));
		case 'tag':
			return message => inChannel(message, term.tag);
		case 'in':
			return ({thread_id}) => thread_id === term.id;
		case 'id':
			return ({id}) => id === term.id;
		case 'after':
		case 'before': {
			const bound = momentAt(term.moment, facts.now);
			const after = term.kind === 'after';
			return ({created_at}) => (Date.parse(created_at) >= bound ? after : !after);
		}
		case 'is':
			return testOfQuality(term.quality, facts);
		case 'has':
			return ({body}) => patterns[term.content].test(body.slice(0, searchedCharacters));
	}
}

function testOfQuality(quality: Quality, {me, isUnread, isStuck}: Facts): Test {
	switch (quality) {
		case 'unread':
			return isUnread;
		case 'stuck':
			return isStuck;
		case 'unverified':
			return ({verified}) => !verified;
		case 'mine':
			return ({author_tag}) => me !== null && sameTag(author_tag ?? '', me);
	}
}

/** A number like #12, something in backticks, a link. */
const patterns: Record<Content, RegExp> = {
	task: /(?<![A-Za-z0-9_#&])#\d/,
	code: /`[^`]/,
	link: /https?:\/\/[^\s]/i,
};
