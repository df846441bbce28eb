import {Writable} from 'node:stream';
import {describe, expect, it} from 'vitest';
import {snapshot} from '../../source/commands/screen/snapshot.ts';
import {scenes} from '../fixtures/scenes.ts';
import {memoryMailbox} from '../helpers/memory-mailbox.ts';
import {MemoryServer} from '../helpers/memory-server.ts';

async function printed(server: MemoryServer): Promise<string> {
	let text = '';
	const stdout = new Writable({
		write(chunk: Buffer, _encoding, done) {
			text += chunk.toString();
			done();
		},
	});
	await snapshot(memoryMailbox(server, {tag: 'HUMAN', kind: 'human'}), stdout as unknown as NodeJS.WriteStream);
	return text;
}

describe('the snapshot', () => {
	it('prints channels with their newest messages, tasks by status, and agents', async () => {
		const server = new MemoryServer();
		await scenes['two']?.(server);
		const text = await printed(server);
		expect(text).toMatch(/^CLAUDE_1$/m);
		expect(text).toMatch(/^ {2}#5 .*CLAUDE_1 \(unverified\) {2}approve the migration @CLAUDE_TWIN$/m);
		expect(text).toMatch(
			/^TASKS\n {2}queued .*\n(?:.*\n)* {2}running {4}#1 Task X: monthly report {2}CLAUDE_TWIN {2}0%$/m,
		);
		expect(text).toMatch(/^AGENTS\n {2}CLAUDE_1 {2}working {2}builds$/m);
	});

	it('prints no byte that a terminal would act on', async () => {
		const server = new MemoryServer();
		await scenes['crowded']?.(server);
		server.insert('[CLAUDE_1] \u001B]0;title\u0007 \u009B2J');
		// eslint-disable-next-line no-control-regex
		expect(await printed(server)).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F]/);
	});

	it('says what to do if the mailbox is empty', async () => {
		expect(await printed(new MemoryServer())).toContain('agentmux join CLAUDE_1 --dir path/to/project');
	});
});
