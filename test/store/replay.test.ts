import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {presenceOf, presences, type Agent} from '../../source/mailbox/agent.ts';
import {replay, stepAt} from '../../source/store/replay.ts';
import {memoryMailbox} from '../helpers/memory-mailbox.ts';
import {MemoryServer} from '../helpers/memory-server.ts';

const start = Date.parse('2026-11-20T10:00:00Z');

type Move =
	| {readonly what: 'wait'; readonly seconds: number}
	| {readonly what: 'touch'; readonly who: number; readonly presence: number}
	| {readonly what: 'add' | 'claim' | 'progress' | 'finish' | 'fail' | 'cancel'; readonly who: number};

const who = fc.nat({max: 2});
const move: fc.Arbitrary<Move> = fc.oneof(
	fc.record({what: fc.constant('wait' as const), seconds: fc.integer({min: 1, max: 900})}),
	fc.record({what: fc.constant('touch' as const), who, presence: fc.nat({max: 3})}),
	fc.record({what: fc.constantFrom('add', 'claim', 'progress', 'finish', 'fail', 'cancel'), who}),
);

/** Plays moves into a mailbox in memory, a second apart, and remembers how everything stood after each. */
async function play(moves: readonly Move[]) {
	let at = start;
	const server = new MemoryServer();
	server.clock = () => at;
	const mailboxes = ['A', 'B', 'C'].map(tag => memoryMailbox(server, {tag}));
	const snapshots: Array<{at: number; tasks: Map<number, string>; agents: Map<string, string>}> = [];
	for (const step of moves) {
		at += 1000;
		if (step.what === 'wait') at += step.seconds * 1000;
		else await doMove(server, mailboxes[step.who]!, step);
		// No two things happen in one millisecond there: what a move did has happened half a second later.
		const after = at + 500;
		snapshots.push({
			at: after,
			tasks: new Map(server.tasks.rows.map(task => [task.id, `${task.status} ${task.lease_owner} ${task.progress}`])),
			agents: new Map([...server.agents].map(([tag, agent]) => [tag, presentState(agent, after)])),
		});
	}
	return {server, mailbox: mailboxes[0]!, snapshots, end: at};
}

function presentState(agent: Agent, now: number): string {
	return agent.revoked_at === null ? presenceOf(agent, now) : 'revoked';
}

async function doMove(server: MemoryServer, mailbox: ReturnType<typeof memoryMailbox>, step: Move): Promise<void> {
	if (step.what === 'wait') return;
	if (step.what === 'touch') return void (await mailbox.touch({presence: presences[step.presence]!}));
	if (step.what === 'add') return void (await mailbox.tasks.add({title: 'work'}));
	if (step.what === 'claim') return void (await mailbox.tasks.claim());
	const {tag} = await mailbox.identity();
	const held = server.tasks.rows.find(task => task.lease_owner === tag);
	if (step.what === 'cancel') {
		const open = server.tasks.rows.find(
			({status, created_by, lease_owner}) =>
				(status === 'queued' || status === 'running') && (created_by === tag || lease_owner === tag),
		);
		if (open !== undefined) await mailbox.tasks.cancel(open.id);
	} else if (held !== undefined) {
		const {id, lease_token: token} = held;
		if (step.what === 'progress') await mailbox.tasks.progress(id, token, Math.min(1, held.progress + 0.25));
		else await mailbox.tasks.finish(id, token, {ok: step.what === 'finish'});
	}
}

describe('replay', () => {
	it('gives the state of tasks and agents at any moment, and at its end the present one', async () => {
		await fc.assert(
			fc.asyncProperty(fc.array(move, {maxLength: 40}), async moves => {
				const {server, mailbox, snapshots} = await play(moves);
				const changes = await mailbox.changes({from: new Date(start).toISOString()});
				const {tasks, agents} = replay(changes, {tasks: server.tasks.rows, agents: server.agents.values()});
				for (const snapshot of snapshots) {
					for (const [id, stood] of snapshot.tasks) {
						const step = stepAt(tasks.get(id), snapshot.at)!;
						const owner = step.state === 'running' ? step.tag : null;
						expect(`${step.state} ${owner} ${step.progress}`).toBe(stood);
					}
					for (const [tag, stood] of snapshot.agents) {
						expect(stepAt(agents.get(tag), snapshot.at)?.state).toBe(stood);
					}
				}
			}),
			{numRuns: 60},
		);
	});

	it('knows a later part equally well if only that was read, with the states at its beginning', async () => {
		await fc.assert(
			fc.asyncProperty(fc.array(move, {minLength: 1, maxLength: 30}), fc.nat(), async (moves, pick) => {
				const {server, mailbox, snapshots} = await play(moves);
				const from = snapshots[pick % snapshots.length]!.at;
				const rows = {tasks: server.tasks.rows, agents: [...server.agents.values()]};
				const whole = replay(await mailbox.changes({from: new Date(start).toISOString()}), rows);
				const part = replay(await mailbox.changes({from: new Date(from).toISOString()}), rows);
				for (const {at} of snapshots.filter(snapshot => snapshot.at >= from)) {
					for (const [id, steps] of whole.tasks) {
						expect(stepAt(part.tasks.get(id), at)?.state).toBe(stepAt(steps, at)?.state);
					}
					for (const [tag, steps] of whole.agents) {
						expect(stepAt(part.agents.get(tag), at)?.state).toBe(stepAt(steps, at)?.state);
					}
				}
			}),
			{numRuns: 40},
		);
	});

	it('is unknown where no state was recorded, and empty before the row existed', async () => {
		const {server, end} = await play([
			{what: 'touch', who: 0, presence: 0},
			{what: 'add', who: 0},
			{what: 'wait', seconds: 600},
			{what: 'claim', who: 0},
			{what: 'touch', who: 0, presence: 1},
		]);
		const {tasks, agents} = replay([], {tasks: server.tasks.rows, agents: server.agents.values()});
		expect(stepAt(tasks.get(1), start)).toBeNull();
		expect(stepAt(tasks.get(1), start + 60_000)?.state).toBe('unknown');
		expect(stepAt(tasks.get(1), end)?.state).toBe('running');
		expect(stepAt(agents.get('A'), start)).toBeNull();
		expect(stepAt(agents.get('A'), start + 60_000)?.state).toBe('unknown');
		expect(stepAt(agents.get('A'), end)?.state).toBe('idle');
		expect(stepAt(agents.get('A'), end + 301_000)?.state).toBe('gone');
	});
});
