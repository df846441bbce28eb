import meow from 'meow';
import {describe, expect, test} from 'vitest';
import {nearest} from '../../source/mailbox/text/nearest.ts';
import {parseArguments, parsePlain} from '../../source/commands/cli/parse.ts';

const flags = {
	as: {type: 'string'},
	json: {type: 'boolean'},
	limit: {type: 'string', shortFlag: 'n'},
	dependsOn: {type: 'string', isMultiple: true},
} as const;
const known = {...flags, help: {type: 'boolean', shortFlag: 'h'}} as const;
const parse = (...argv: string[]) => parseArguments('send', flags, argv);

describe('parsePlain', () => {
	test.each<{argv: string[]}>([
		{argv: []},
		{argv: ['007', '1e3', 'a=b', '-', 'two words']},
		{argv: ['x', '--as', 'A', '--json', 'y']},
		{argv: ['-n', '5', '--depends-on', '3', '--depends-on', '4']},
		{argv: ['--json', '--as', '05']},
		{argv: ['-h']},
	])('returns what meow does for $argv', ({argv}) => {
		const {input, flags: found} = meow('', {
			importMeta: import.meta,
			pkg: {},
			argv,
			flags: known,
			autoHelp: false,
			autoVersion: false,
			booleanDefault: undefined,
		});
		expect(parsePlain(known, argv)).toEqual({input, flags: found});
	});

	test.each<{argv: string[]}>([
		{argv: ['--no-json']},
		{argv: ['--as=A']},
		{argv: ['-n5']},
		{argv: ['--as', '"A"']},
		{argv: ['--as', "'A'"]},
		{argv: ['--as', '']},
		{argv: ['--as']},
		{argv: ['--as', '-']},
		{argv: ['--as', 'A', '--as', 'B']},
		{argv: ['--json', '--json']},
		{argv: ['--json', 'false']},
		{argv: ['--', 'x']},
		{argv: ['--dependsOn', '3']},
		{argv: ['-x']},
	])('leaves $argv to meow', ({argv}) => {
		expect(parsePlain(known, argv)).toBeNull();
	});
});

describe('parseArguments', () => {
	test('reads flags and words in any order and leaves numbers as they were typed', async () => {
		expect(await parse('007', '--as', 'A', '-n5', '--depends-on=3', '--depends-on', '4', '-')).toMatchObject({
			input: ['007', '-'],
			flags: {as: 'A', limit: '5', dependsOn: ['3', '4']},
		});
	});

	test('tells a flag that was not given from one that was negated', async () => {
		expect((await parse('x')).flags).not.toHaveProperty('json');
		expect((await parse('--json')).flags['json']).toBe(true);
		expect((await parse('--no-json')).flags['json']).toBe(false);
	});

	test('takes everything after -- as words', async () => {
		expect((await parse('--', '--json', '-x')).input).toEqual(['--json', '-x']);
	});

	test.each([
		[['--jsno'], 'Unknown flag --jsno. Did you mean --json? See `agentmux send --help`.'],
		[['--frobnicate=3', 'x'], 'Unknown flag --frobnicate. See `agentmux send --help`.'],
		[['-x'], 'Unknown flag -x. See `agentmux send --help`.'],
		[['--dep', '3'], 'Unknown flag --dep. Did you mean --depends-on?'],
		[['--limits', '3'], 'Unknown flag --limits. Did you mean --limit?'],
		[['--token', '3'], 'Unknown flag --token. See `agentmux send --help`.'],
		[['--so'], 'Unknown flag --so. See `agentmux send --help`.'],
		[['--as'], 'The flag --as needs a value. See `agentmux send --help`.'],
		[['--as', '--json'], 'The flag --as needs a value.'],
		[['--as.x', '1'], 'The flag --as needs a value.'],
		[['--as', 'A', '--as', 'B'], 'The flag --as can only be set once.'],
		[
			['- one item'],
			'Text that starts with a dash is read as a flag. Put `--` before it: agentmux send -- "- one item"',
		],
	])('%j is wrong usage', async (argv, sentence) => {
		await expect(parse(...argv)).rejects.toSatisfy((error: {sentence: string}) => error.sentence.startsWith(sentence));
	});
});

test('nearest finds the closest name, and nothing if none is close', () => {
	expect(nearest('snd', ['send', 'search', 'sql'])).toBe('send');
	expect(nearest('taks', ['tail', 'tasks'])).toBe('tasks');
	expect(nearest('claude_tiwn', ['CLAUDE_1', 'CLAUDE_TWIN'])).toBe('CLAUDE_TWIN');
	expect(nearest('frobnicate', ['send', 'tail'])).toBeNull();
	expect(nearest('time', ['send', 'timeline'])).toBe('timeline');
	expect(nearest('performances', ['preferences'])).toBeNull();
});
