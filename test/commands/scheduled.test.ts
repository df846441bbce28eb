import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test, vi} from 'vitest';
import type {Message, Scheduled} from '../../source/mailbox/message.ts';
import {Home} from '../helpers/program.ts';

let home: Home;
beforeAll(async () => {
	home = await Home.make();
	mkdirSync(join(home.path, 'one'));
	await home.output(['join', 'CLAUDE_1', '--dir', join(home.path, 'one')]);
});
afterAll(() => home.dispose());

test('a message is sent when it is due, by a hub that was started again, and is signed', async () => {
	const {code, stdout, stderr} = await home.run(['send', '--to', 'CLAUDE_1', '--in', '5s', 'how far are you?']);
	expect({code, stdout}).toEqual({code: 0, stdout: ''});
	expect(stderr).toMatch(/It will be sent at .*`(?:agentmux|npx agentmux|\S+) scheduled cancel 1`/);
	expect(await home.json<Scheduled[]>(['scheduled', '--json'])).toMatchObject([
		{id: 1, content: '[HUMAN] @CLAUDE_1 how far are you?', failed: null},
	]);
	await home.output(['hub', 'stop']);
	await home.output(['hub', 'start']);
	const [message] = await vi.waitFor(
		async () => {
			const inbox = await home.json<Message[]>(['inbox', '--as', 'CLAUDE_1', '--json']);
			expect(inbox).toHaveLength(1);
			return inbox;
		},
		{timeout: 30_000, interval: 300},
	);
	expect(message).toMatchObject({
		body: '@CLAUDE_1 how far are you?',
		author_tag: 'HUMAN',
		verified: true,
		signed: true,
	});
	expect((await home.run(['scheduled'])).stderr).toContain('No message is to be sent later.');
});

test('one that was cancelled is not sent', async () => {
	await home.run(['send', '--to', 'CLAUDE_1', '--at', '2h', 'never']);
	const [{id}] = (await home.json<Scheduled[]>(['scheduled', '--json'])) as [Scheduled];
	expect(await home.output(['scheduled'])).toMatch(/ID +DUE +MESSAGE\n.*never/);
	expect(await home.output(['scheduled', 'cancel', String(id)])).toContain('is cancelled');
	expect((await home.run(['scheduled', 'cancel', String(id)])).stderr).toMatch(/there is no scheduled message/i);
});

test.each([
	[['send', '--in', 'soon', 'x'], 'is not a time'],
	[['send', '--in', '1h', '--at', '14:30', 'x'], 'Give either --at or --in.'],
	[['scheduled', 'foo'], 'scheduled foo'],
])('%j is refused', async (words, why) => {
	const {code, stderr} = await home.run(words);
	expect(code).toBe(2);
	expect(stderr).toContain(why);
});
