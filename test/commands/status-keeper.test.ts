import {spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, expect, test, vi} from 'vitest';
import {StatusKeeper} from '../../source/commands/serve/status-keeper.ts';
import type {Agent} from '../../source/mailbox/agent.ts';
import type {MailboxEvent} from '../../source/mailbox/event.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import {markStatusShown, readStatus, statusFile} from '../../source/join/status-file.ts';

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

test('who works is asked for while a status line is shown, and not otherwise', {timeout: 30_000}, async () => {
	const keeper = new StatusKeeper(state, 'A');
	const agent = (tag: string, presence: Agent['presence']): Agent => ({
		tag,
		kind: 'agent',
		role: null,
		presence,
		joined_at: new Date().toISOString(),
		last_seen_at: new Date().toISOString(),
		revoked_at: null,
		sessions: 1,
		wake: null,
		damped: null,
		groups: [],
		paused: null,
		focused: false,
		meta: {},
	});
	let asked = 0;
	let listener: (event: MailboxEvent) => void = () => undefined;
	const mailbox = {
		agents: () => {
			asked++;
			return Promise.resolve([agent('A', 'working'), agent('B', 'working')]);
		},
		subscribe(heard: typeof listener) {
			listener = heard;
			return () => undefined;
		},
	} as Partial<Mailbox> as Mailbox;
	keeper.following(mailbox).subscribe(() => undefined);
	const working = (): string[] | undefined => readStatus(state, 'A')?.working.map(({tag}) => tag);
	listener({type: 'agents', agents: [agent('A', 'idle'), agent('C', 'working')], complete: true});
	await vi.waitFor(() => expect(working()).toEqual(['C']), {timeout: 5000});
	listener({type: 'agents', agents: [agent('A', 'working')]});
	expect(asked).toBe(0);

	markStatusShown(state, 'A');
	await vi.waitFor(() => expect(working()).toEqual(['B']), {timeout: 15_000});
	expect(asked).toBe(1);
	// Once it is shown, the beginning of a turn is also a reason to ask: the line may be old.
	listener({type: 'agents', agents: [agent('A', 'idle')]});
	expect(asked).toBe(2);
	keeper.end();
});
