import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {
	asksForUnread,
	contents,
	everything,
	qualities,
	storedPart,
	type Filter,
	type Term,
} from '../../source/mailbox/filter.ts';
import {compileFilter, type Facts} from '../../source/mailbox/filter/filter-match.ts';
import {mayBecomeField, parseFilter} from '../../source/mailbox/filter/filter-parse.ts';
import {anyTag} from '../helpers/any-tag.ts';
import {messageRow} from '../helpers/message.ts';

const now = new Date(2026, 10, 25, 12, 0).getTime();
const parse = (text: string): Filter => {
	const {filter, faults} = parseFilter(text, now);
	expect(faults).toEqual([]);
	return filter;
};
const terms = (text: string): readonly Term[] => parse(text).alternatives[0] ?? [];
const text = (...words: string[]): Term => ({kind: 'text', words, phrase: false, not: false});

describe('a query', () => {
	test.each<[string, Term]>([
		['from:CLAUDE_1', {kind: 'from', tag: 'CLAUDE_1', not: false}],
		['FROM:@claude_1', {kind: 'from', tag: 'claude_1', not: false}],
		['-to:"CLAUDE_1"', {kind: 'to', tag: 'CLAUDE_1', not: true}],
		['tag:A', {kind: 'tag', tag: 'A', not: false}],
		['is:Unread', {kind: 'is', quality: 'unread', not: false}],
		['has:task', {kind: 'has', content: 'task', not: false}],
		['in:#12', {kind: 'in', id: 12, not: false}],
		['id:12', {kind: 'id', id: 12, not: false}],
		['after:2h', {kind: 'after', moment: {ago: 7_200_000}, not: false}],
		['after:30min', {kind: 'after', moment: {ago: 1_800_000}, not: false}],
		['before:2026-11-20', {kind: 'before', moment: {at: new Date(2026, 10, 20).getTime()}, not: false}],
		['before:"2026-11-20 14:30"', {kind: 'before', moment: {at: new Date(2026, 10, 20, 14, 30).getTime()}, not: false}],
		['before:2026-11-20T14:30Z', {kind: 'before', moment: {at: Date.UTC(2026, 10, 20, 14, 30)}, not: false}],
		['after:2026-11-20T14:30+01:00', {kind: 'after', moment: {at: Date.UTC(2026, 10, 20, 13, 30)}, not: false}],
		['after:9:05', {kind: 'after', moment: {at: new Date(2026, 10, 25, 9, 5).getTime()}, not: false}],
		['after:yesterday', {kind: 'after', moment: {at: new Date(2026, 10, 24).getTime()}, not: false}],
		['Deploy', text('deploy')],
		['-draft', {...text('draft'), not: true}],
		['"A Phrase"', {kind: 'text', words: ['a', 'phrase'], phrase: true, not: false}],
		['"not closed', {kind: 'text', words: ['not', 'closed'], phrase: true, not: false}],
		['source/gateway/rest.ts', text('source', 'gateway', 'rest', 'ts')],
		['http://example.org', text('http', 'example', 'org')],
		['TypeError:', text('typeerror')],
		['std::vector', text('std', 'vector')],
		['日本語', text('日本語')],
	])('%j is one term', (query, term) => {
		expect(parse(query)).toEqual({alternatives: [[term]]});
	});

	test('has all of the terms on one side of an or, which binds less than what stands together', () => {
		expect(parse('a b OR from:A "or" or c').alternatives.map(each => each.length)).toEqual([2, 2, 1]);
		expect(parse('or a or or b or').alternatives).toEqual([[text('a')], [text('b')]]);
		expect(parse('  ')).toEqual(everything);
	});

	test.each([
		['from:CLAUDE_1 after:2x', 14, 'after:2x', 'after:2x: not a time, try after:2h or after:2026-11-20'],
		['before:2026-02-31', 0, 'before:2026-02-31', 'not a time'],
		['after:25:00', 0, 'after:25:00', 'not a time'],
		['x from:', 2, 'from:', 'from: no tag yet, try from:CLAUDE_1'],
		['from:1st', 0, 'from:1st', 'not a tag'],
		['-is:red', 0, '-is:red', 'not known, try is:unread, is:mine, is:unverified, is:stuck'],
		['has:x', 0, 'has:x', 'not known, try has:task, has:code, has:link'],
		['in:#x', 0, 'in:#x', "not a message's number, try in:#12"],
		['form:CLAUDE_1', 0, 'form:CLAUDE_1', 'no such field, did you mean from:?'],
		['a !!! b', 2, '!!!', 'no letter or digit'],
	])('that does not parse is named in place: %j', (query, at, what, words) => {
		const {faults} = parseFilter(query, now);
		expect(faults).toHaveLength(1);
		expect(faults[0]).toMatchObject({at, length: what.length});
		expect(faults[0]?.message).toContain(words);
		expect(faults[0]?.message.startsWith(what.replace(/:$/, ''))).toBe(true);
	});

	test.each([
		['a', true],
		['x -fro', true],
		['after', true],
		['afters', false],
		['after:', false],
		['to ', false],
		['"a to', true],
		['', false],
	])('%j may still become a field: %j', (query, may) => {
		expect(mayBecomeField(query)).toBe(may);
	});

	test('made of any terms is read as these terms', () => {
		const word = fc.stringMatching(/^[a-z0-9]{1,8}$/).filter(each => each !== 'or');
		const id = fc.integer({min: 1, max: 1e9});
		const term = fc.oneof(
			fc.record({kind: fc.constant('text'), words: fc.tuple(word), phrase: fc.constant(false)}),
			fc.record({kind: fc.constant('text'), words: fc.array(word, {minLength: 1}), phrase: fc.constant(true)}),
			fc.record({kind: fc.constantFrom('from', 'to', 'tag'), tag: anyTag}),
			fc.record({kind: fc.constantFrom('in', 'id'), id}),
			fc.record({kind: fc.constantFrom('after', 'before'), moment: fc.record({ago: id.map(n => (n % 1000) * 1000)})}),
			fc.record({kind: fc.constant('is'), quality: fc.constantFrom(...qualities)}),
			fc.record({kind: fc.constant('has'), content: fc.constantFrom(...contents)}),
		);
		const any = fc.tuple(term, fc.boolean()).map(([each, not]) => ({...each, not}));
		const groups = fc.array(fc.array(any, {minLength: 1, maxLength: 4}), {maxLength: 3});
		fc.assert(
			fc.property(groups, fc.constantFrom(' ', '  ', '\t'), (alternatives, gap) => {
				const query = alternatives.map(each => each.map(written).join(gap)).join(`${gap}or${gap}`);
				expect(parse(query)).toEqual({alternatives});
			}),
		);
	});

	test('of any kind never throws, and an error names a part of it', () => {
		const piece = fc.oneof(
			fc.string(),
			fc.constantFrom(' ', '-', '"', ':', 'from:', 'after:', 'is:', 'or', '\n', '😀'),
		);
		fc.assert(
			fc.property(fc.array(piece), pieces => {
				const query = pieces.join('');
				for (const {at, length, message: words} of parseFilter(query, now).faults) {
					const what = query.slice(at, at + length);
					expect(what).not.toBe('');
					expect(what).not.toMatch(/^\s|\s$/);
					expect(words.startsWith(what.replace(/:$/, ''))).toBe(true);
				}
			}),
		);
	});
});

function written(term: Term): string {
	const minus = term.not ? '-' : '';
	switch (term.kind) {
		case 'text':
			return minus + (term.phrase ? `"${term.words.join(' ')}"` : term.words.join(''));
		case 'from':
		case 'to':
		case 'tag':
			return `${minus}${term.kind}:${term.tag}`;
		case 'in':
		case 'id':
			return `${minus}${term.kind}:#${term.id}`;
		case 'after':
		case 'before':
			return `${minus}${term.kind}:${'ago' in term.moment ? term.moment.ago / 1000 : 0}s`;
		case 'is':
			return `${minus}is:${term.quality}`;
		case 'has':
			return `${minus}has:${term.content}`;
	}
}

describe('a message', () => {
	const facts: Facts = {now, me: 'HUMAN', isUnread: ({id}) => id === 12, isStuck: ({id}) => id === 13};
	const at = (hours: number) => new Date(now - hours * 3_600_000).toISOString();
	const one = messageRow(
		12,
		'[CLAUDE_1] Look at source/gateway/rest.ts, task #7: `npm test` @CLAUDE_TWIN https://example.org',
		{thread_id: 10, created_at: at(1), author_tag: 'HUMAN'},
	);
	const matches = (query: string): boolean => compileFilter(parse(query), facts)(one);

	test.each([
		'',
		'look',
		'GATEWAY',
		'gate',
		'rest.ts',
		'"gateway rest"',
		'source/gate',
		'from:claude_1',
		'to:CLAUDE_TWIN',
		'tag:CLAUDE_1',
		'tag:CLAUDE_TWIN',
		'in:#10',
		'id:12',
		'after:2h',
		'before:30m',
		'is:unread',
		'is:mine',
		'has:task',
		'has:code',
		'has:link',
		'-is:stuck',
		'-is:unverified',
		'nothing or look',
		'nothing or from:A or look -draft',
	])('is let through by %j', query => {
		expect(matches(query)).toBe(true);
	});

	test.each([
		'ateway',
		'"gate"',
		'"rest gateway"',
		'-look',
		'look -gateway',
		'from:CLAUDE_TWIN',
		'to:CLAUDE_1',
		'tag:HUMAN',
		'in:12',
		'id:10',
		'after:30m',
		'before:2h',
		'is:stuck',
		'is:unverified',
		'nothing or from:A',
	])('is filtered out by %j', query => {
		expect(matches(query)).toBe(false);
	});

	test('matches either a term or its negation', () => {
		for (const query of ['look', 'from:CLAUDE_1', 'has:code', 'is:stuck', 'after:2h', 'before:2h', 'in:1', 'is:mine']) {
			expect(matches(query)).toBe(!matches(`-${query}`));
		}
	});

	test('of one repeated word is searched in linear time', () => {
		const long = messageRow(1, 'a '.repeat(130_000));
		const started = performance.now();
		expect(compileFilter(parse('"a a a a a a a a b"'), facts)(long)).toBe(false);
		expect(performance.now() - started).toBeLessThan(5000);
	});
});

test("terms that only the screen knows are left out of the mailbox's query", () => {
	expect(asksForUnread(parse('a or is:unread'))).toBe(true);
	expect(asksForUnread(parse('a is:stuck'))).toBe(false);
	expect(storedPart(parse('a -is:unread b'))).toEqual(parse('a b'));
	expect(storedPart(parse('a or is:unread'))).toEqual(everything);
	expect(terms('a b')).toHaveLength(2);
});

describe('a query without limits', () => {
	test.each([
		['characters', 'word '.repeat(50_000), /^the query has 250,000 characters, but at most 1,000 are allowed/],
		['terms', '-a '.repeat(300), /^a query can have at most 64 terms; use fewer words$/],
		['alternatives', 'a or '.repeat(150), /^a query can have at most 16 alternatives; use fewer words$/],
	])('is rejected with the maximum number of %s', (_, query, message) => {
		const {faults} = parseFilter(query, now);
		expect(faults).toHaveLength(1);
		expect(faults[0]?.message).toMatch(message);
		expect((faults[0]?.at ?? 0) + (faults[0]?.length ?? 0)).toBe(query.length);
	});

	test('is parsed up to the limits', () => {
		expect(terms('-a '.repeat(64))).toHaveLength(64);
		expect(parse('a or '.repeat(15) + 'a').alternatives).toHaveLength(16);
	});
});
