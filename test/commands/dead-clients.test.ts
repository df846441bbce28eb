import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, onTestFinished, test} from 'vitest';
import {deadClients} from '../../source/commands/serve/dead-clients.ts';
import {SessionFile, sessionsFolder} from '../../source/join/hook/hook-session.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';

test('a server ends what the hooks of its client reported, if that is dead, and not if it only stopped the server', async () => {
	const state = mkdtempSync(join(tmpdir(), 'agentmux-end-'));
	onTestFinished(() => rmSync(state, {recursive: true, force: true}));
	const program = spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)']);
	onTestFinished(() => void program.kill('SIGKILL'));
	const pid = program.pid ?? 0;
	const session = (key: string, tag: string, above: readonly number[]) => {
		const file = new SessionFile(sessionsFolder(state), key);
		file.change({owner: {tag, session: key, interactive: false, client: null, above}});
		return file;
	};
	const own = session('host:own', 'claude_1', [1_000_001, pid]);
	const others = [session('host:2', 'CLAUDE_1', [1_000_001]), session('host:3', 'CLAUDE_2', [pid])];
	const ended: string[] = [];
	const mailbox: Pick<Mailbox, 'endSessions'> = {endSessions: async keys => void ended.push(...keys)};
	const open = async () => mailbox;
	const dead = deadClients({state, tag: 'CLAUDE_1', client: null, isGuest: false, mailbox: open, parent: pid});
	await dead.endOwn();
	expect(ended).toEqual([]);
	program.kill('SIGKILL');
	await once(program, 'exit');
	await dead.endOwn();
	expect(ended).toEqual(['host:own']);
	expect([own, ...others].map(file => file.exists())).toEqual([false, true, true]);
});
