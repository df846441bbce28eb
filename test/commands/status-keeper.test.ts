import {spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, expect, test, vi} from 'vitest';
import {StatusKeeper} from '../../source/commands/serve/status-keeper.ts';
import {readStatus, statusFile} from '../../source/join/status-file.ts';

const state = mkdtempSync(join(tmpdir(), 'agentmux-status-'));
afterEach(() => rmSync(state, {recursive: true, force: true}));

test.each(['ended', 'was killed'])('the status is back at the next event after another client %s', async how => {
	const keeper = new StatusKeeper(state, 'A');
	const shown = (): Promise<void> => vi.waitFor(() => expect(readStatus(state, 'A')?.unread).toBe(2), {timeout: 5000});
	keeper.unread = 2;
	await shown();
	const file = statusFile(state, 'A');
	const {pid} = spawnSync(process.execPath, ['--version']);
	// What the other one has written over ours is of a process that is gone.
	if (how === 'ended') rmSync(file);
	else writeFileSync(file, JSON.stringify({pid, unread: 2, stuck: 0, working: []}), {mode: 0o600});
	expect(readStatus(state, 'A')).toBeNull();
	keeper.unread = 2;
	await shown();
	keeper.end();
	expect(readStatus(state, 'A')).toBeNull();
});
