import fc from 'fast-check';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {mentionsIn, readContent} from '../../source/mailbox/message.ts';
import {foldTag, isTag, tagPattern} from '../../source/mailbox/tag.ts';
import {anyTag} from '../helpers/any-tag.ts';
import {engines, type MigratedDatabase, owner} from '../helpers/migrated.ts';

/** A tag, or what is nearly one. */
const nearly = fc.oneof(
	anyTag,
	fc
		.tuple(
			anyTag,
			fc.nat(),
			fc.constantFrom('', ' ', '\n', '-', '_', '.', '@', '[', ']', 'é', 'ı', 'K', '0', 'x'.repeat(20)),
		)
		.map(([tag, at, piece]) => `${tag.slice(0, at % (tag.length + 1))}${piece}${tag.slice(at % (tag.length + 1))}`),
	fc.string({unit: 'grapheme', maxLength: 34}).filter(text => text.isWellFormed() && !text.includes('\0')),
);
const many = fc.array(nearly, {minLength: 20, maxLength: 20});

describe.each(engines)('the grammar of tags on $engine', ({open}) => {
	let database: MigratedDatabase;
	beforeAll(async () => {
		database = await open();
	});
	afterAll(() => database.close());

	/** The texts of SQL in which a tag is recognised. */
	const sources = async (): Promise<{name: string; source: string}[]> => {
		const rows = await database.as(
			owner,
			`select conname as name, pg_get_constraintdef(oid) as source from pg_constraint where contype = 'c'
			union all select proname, prosrc from pg_proc where pronamespace in (select oid from pg_namespace where nspname in ('public', 'agentmux'))`,
		);
		return rows
			.map(row => ({name: String(row['name']), source: String(row['source'])}))
			.filter(({source}) => source.includes('[A-Za-z]['));
	};

	test('is written as in the code wherever SQL recognises a tag', async () => {
		const found = await sources();
		expect(found.map(({name}) => name)).toEqual(
			expect.arrayContaining(['agents_tag_is_a_tag', 'receipts_reader_is_a_tag', 'tasks_assignee_is_a_tag', 'tag']),
		);
		for (const {name, source} of found) {
			const rest = source
				.replaceAll(tagPattern, '')
				.replaceAll('[^A-Za-z0-9_@-]', '')
				.replaceAll('(?![A-Za-z0-9_-])', '');
			expect({name, rest: rest.includes('A-Za-z')}).toEqual({name, rest: false});
		}
	});

	test('accepts the same tags as the code, and folds them in the same way', async () => {
		await fc.assert(
			fc.asyncProperty(many, async texts => {
				const rows = await database.as(
					owner,
					`select tag collate "C" ~ $2 as valid, upper(tag collate "C") as folded from unnest($1::text[]) with ordinality as given (tag, place) order by place`,
					[texts, `^${tagPattern}$`],
				);
				expect(rows.map(row => row['valid'])).toEqual(texts.map(isTag));
				const folded = rows.filter((_, at) => isTag(texts[at]!)).map(row => row['folded']);
				expect(folded).toEqual(texts.filter(isTag).map(foldTag));
			}),
			{numRuns: 50},
		);
	});

	test('finds the same tag, body and mentions in a content as the code', async () => {
		const content = fc
			.tuple(nearly, nearly, fc.constantFrom('[', ' [', '[['), fc.constantFrom('] @', ']@', '] x@', ']\u00a0@@', '\n@'))
			.map(([tag, mention, open, between]) => `${open}${tag}${between}${mention} @${tag}.@${mention}-`);
		await fc.assert(
			fc.asyncProperty(fc.array(content, {minLength: 20, maxLength: 20}), async contents => {
				const rows = await database.as(
					owner,
					'select agentmux.tag(content) as tag, agentmux.body(content) as body, agentmux.mentions(content) as mentions from unnest($1::text[]) with ordinality as given (content, place) order by place',
					[contents],
				);
				expect(rows).toEqual(
					contents.map(each => {
						const {tag, body} = readContent(each);
						return {tag, body, mentions: mentionsIn(body)};
					}),
				);
			}),
			{numRuns: 50},
		);
	});
});
