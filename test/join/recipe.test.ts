import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import {readRecipe, recipeNames} from '../../source/join/files/recipe-file.ts';
import {membersOf} from '../../source/join/files/recipe.ts';
import {openDesk} from '../helpers/mcp.ts';

const ours = fileURLToPath(new URL('../../recipes', import.meta.url));
const names = [
	'incident-bridge',
	'monitor-responder',
	'pair-with-codex',
	'planner-executor',
	'researcher-writer',
	'reviewer-loop',
	'test-fixer',
	'worker-pool',
];

test('these come with agentmux', async () => {
	expect(await recipeNames(ours)).toEqual(names);
});

test.each(names)('%s is a whole one, with a page that names its command', async name => {
	const recipe = await readRecipe(join(ours, name));
	expect(recipe).toMatchObject({name, agents: [{}, {}]});
	const page = join(ours, name, 'README.md');
	expect(existsSync(page) && readFileSync(page, 'utf8')).toContain(`agentmux join --recipe ${name}`);
	const others = membersOf(recipe, {count: 1, tags: ['FIRST', 'Second-2']});
	expect(others.map(({tag}) => tag)).toEqual(['FIRST', 'Second-2']);
	for (const {role, first, guidance} of others) {
		const texts = `${role}\n${first ?? ''}\n${guidance}`;
		expect(texts).toMatch(/FIRST|Second-2/);
		for (const {tag} of recipe.agents) expect(texts).not.toContain(tag);
	}
});

test('their guidance names only existing tools', async () => {
	const desk = await openDesk('A', {} as Mailbox);
	const {tools} = await desk.client.listTools();
	await desk.close();
	const known = [...tools.map(({name}) => name), 'reply_to', 'execute_sql'];
	const functions = ['watched_tables', 'in_order', 'parent_id', 'depends_on'];
	const recipes = await Promise.all(names.map(name => readRecipe(join(ours, name))));
	const named = recipes.flatMap(({agents}) =>
		agents.flatMap(({guidance}) => guidance.match(/\b[a-z]+(?:_[a-z]+)+\b/g) ?? []),
	);
	expect(named.length).toBeGreaterThan(10);
	expect(named.filter(word => ![...known, ...functions].includes(word))).toEqual([]);
});

describe('a recipe of one’s own', () => {
	let folder: string;
	beforeEach(() => {
		folder = mkdtempSync(join(tmpdir(), 'agentmux-recipe-'));
	});
	afterEach(() => rmSync(folder, {recursive: true, force: true}));

	const agent = (more = '') =>
		`[[agents]]\ntag = "A"\nfolder = "a"\nrole = "asks {B}"\nfirst = "Ask {B}."\nguidance = "{A} asks {B}."\n${more}`;
	const alone = agent().replaceAll('{B}', 'x');
	const other = alone.replace('tag = "A"', 'tag = "B"').replace('folder = "a"', 'folder = "b"');
	const read = (text: string) => {
		writeFileSync(join(folder, 'recipe.toml'), text);
		return readRecipe(folder);
	};

	test('is read, and its tags are replaced without touching other words in braces', async () => {
		const recipe = await read(`summary = "one asks"\n${agent()}${other}`);
		expect(recipe.sql).toBe(true);
		expect((await read(`summary = "one asks"\nsql = false\n${agent()}${other}`)).sql).toBe(false);
		const [one, two] = membersOf(recipe, {tags: ['A_2', 'A']});
		expect(one).toEqual({
			tag: 'A_2',
			folder: 'a',
			client: null,
			role: 'asks A',
			first: 'Ask A.',
			guidance: 'A_2 asks A.',
		});
		expect(two?.guidance).toBe('A_2 asks x.');
	});

	test('can have several of an agent, and name the client that plays it', async () => {
		const several = other.replace('"{B} asks x."', '"{B} works for {A}."').replace('{B}', '{B}');
		const recipe = await read(`summary = "one asks"\n${agent('client = "codex"\n')}${several}count = 2\n`);
		const members = membersOf(recipe);
		expect(members.map(({tag, folder, client}) => [tag, folder, client])).toEqual([
			['A', 'a', 'codex'],
			['B_1', 'b-1', null],
			['B_2', 'b-2', null],
		]);
		expect(members[0]?.first).toBe('Ask B_1 and B_2.');
		const three = membersOf(recipe, {count: 3, tags: ['X', 'Y1', 'Y2', 'Y3']});
		expect(three.map(({tag}) => tag)).toEqual(['X', 'Y1', 'Y2', 'Y3']);
		expect(three[0]?.role).toBe('asks Y1, Y2 and Y3');
	});

	test('shows in its guidance what would be invisible to a person and not to a model', async () => {
		const hidden = agent().replace('{A} asks', String.raw`\u200B\u202Easks`);
		const [one] = (await read(`summary = "x"\n${hidden}${other}`)).agents;
		expect(one?.guidance).toBe('<U+200B><U+202E>asks {B}.');
	});

	test.each([
		['summary = "x"\n[[agents]\n', /recipe\.toml is not valid TOML: line 2, /],
		[agent(), /recipe\.toml has no `summary`\./],
		['summary = "x"\n', /recipe\.toml has no \[\[agents\]\] table\./],
		['summary = "x"\nsql = "no"\n', /recipe\.toml has a `sql` that is neither true nor false\./],
		['summary = "x"\nagents = []\n', /has no \[\[agents\]\] table/],
		['summary = "x"\nagents = ["A"]\n', /^The agent of .*recipe\.toml has no text `tag`\./],
		['sumary = "x"\n', /recipe\.toml names the setting `sumary`, which does not exist\. Did you mean summary\?/],
		[
			`summary = "x"\n\n${agent('rule = "y"\n')}`,
			/^The agent in line 3 of .*recipe\.toml names the setting `rule`.* Did you mean role\?/,
		],
		[
			`summary = "x"\n${agent()}${other.replace('guidance', '# guidance')}`,
			/^The agent in line 8 of .* has no text `guidance`\./,
		],
		[`summary = "x"\n${agent('count = 0\n')}${other}`, /has a count that is not a number from 1 to 32\./],
		[`summary = "x"\n${agent('client = "codecs"\n')}${other}`, /names the client `codecs`.* Did you mean codex\?/],
		[`summary = "x"\n${agent().replace('"A"', '"HUMAN"')}`, /cannot have the tag `HUMAN`\./],
		[`summary = "x"\n${agent().replace('"A"', '"no tag"')}`, /cannot have the tag `no tag`\./],
		[`summary = "x"\n${agent().replace('"a"', '"../a"')}`, /cannot have the folder `\.\.\/a`/],
		[`summary = "x"\n${agent().replace('"a"', '".."')}`, /cannot have the folder `\.\.`/],
		[`summary = "x"\n${alone}${other.replace('"B"', '"a"')}`, /in line 8 .* has the same tag as another, a\./],
		[`summary = "x"\n${alone}${other.replace('"b"', '"A"')}`, /has the same folder as another, `A`\./],
		[
			`summary = "x"\n${agent().replace('Ask {B}', 'Ask {BB}')}${other}`,
			/^The agent in line 2 .* names the agent \{BB\}/,
		],
		[
			`summary = "x"\n${agent().replace('asks {B}"', `${'x'.repeat(201)}"`)}`,
			/has a role of more than 200 characters\./,
		],
		[
			`summary = "x"\n${agent().replace('{A} asks', '<!-- agentmux: end -->')}`,
			/has `<!-- agentmux:` in its guidance\./,
		],
	])('that is broken is refused with the place: %j', async (text, sentence) => {
		await expect(read(text)).rejects.toMatchObject({code: 'invalid', sentence: expect.stringMatching(sentence)});
	});

	test('that has no file is refused', async () => {
		await expect(readRecipe(folder)).rejects.toMatchObject({
			code: 'not_found',
			message: `There is no recipe in ${folder}.`,
		});
	});
});
