import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test} from 'vitest';
import type {Message} from '../../source/mailbox/message.ts';
import {Home} from '../helpers/program.ts';

let home: Home;
beforeAll(async () => {
	home = await Home.make();
	for (const tag of ['CLAUDE_1', 'CLAUDE_2', 'REVIEWER']) {
		mkdirSync(join(home.path, tag));
		await home.output([
			'join',
			tag,
			'--dir',
			join(home.path, tag),
			...(tag === 'REVIEWER' ? [] : ['--group', 'backend']),
		]);
	}
});
afterAll(() => home.dispose());

const send = async (...words: string[]): Promise<{mentions: readonly string[]; stderr: string}> => {
	const {stdout, stderr, code} = await home.run(['send', '--json', ...words]);
	expect(code).toBe(0);
	return {mentions: (JSON.parse(stdout) as Message).mentions, stderr};
};

test('a message to a group is for each of its agents, and nothing is said of an unknown tag', async () => {
	expect(await send('--to', 'backend', 'a question')).toEqual({mentions: ['CLAUDE_1', 'CLAUDE_2'], stderr: ''});
	const inbox = await home.json<Message[]>(['inbox', '--as', 'CLAUDE_2', '--json']);
	expect(inbox.map(({body}) => body)).toEqual(['@backend a question']);
	expect(await home.json(['inbox', '--as', 'REVIEWER', '--json'])).toEqual([]);
});

test('agents are added and removed, and are listed with their groups', async () => {
	expect(await home.output(['agents', 'group', 'backend', 'REVIEWER'])).toBe(
		'@backend addresses CLAUDE_1, CLAUDE_2, REVIEWER.\n',
	);
	expect(await home.output(['agents'])).toMatch(/TAG .*GROUPS[^]*REVIEWER .*backend/);
	expect(await home.output(['agents', 'ungroup', '@backend', 'CLAUDE_1', 'CLAUDE_2', 'REVIEWER'])).toBe(
		'@backend addresses nobody.\n',
	);
	expect(await home.output(['agents'])).not.toContain('GROUPS');
	const {stderr} = await send('--to', 'backend', 'is anyone there?');
	expect(stderr).toContain('backend has not joined yet');
});

test.each([
	[['agents', 'group', 'backend'], 'Give the name of a group, and tags.'],
	[['agents', 'group', 'no name', 'CLAUDE_1'], 'is no name for a group'],
	[['agents', 'group', 'REVIEWER', 'CLAUDE_1'], 'REVIEWER is a tag, or reserved'],
	[['agents', 'group', 'backend', 'NOBODY'], 'there is no agent NOBODY'],
])('%j is refused: %s', async (words, why) => {
	const {code, stderr} = await home.run(words);
	expect(code).toBeGreaterThan(0);
	expect(stderr.toLowerCase()).toContain(why.toLowerCase());
});

test('an agent does not change groups', async () => {
	const {code, stderr} = await home.run(['agents', 'group', 'backend', 'CLAUDE_1'], {env: {AGENTMUX_TAG: 'CLAUDE_1'}});
	expect(code).toBe(1);
	expect(stderr).toMatch(/only a human/i);
});
