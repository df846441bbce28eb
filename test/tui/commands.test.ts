import {beforeAll, describe, expect, it, onTestFinished} from 'vitest';
import type {Agent} from '../../source/mailbox/agent.ts';
import {foldTag} from '../../source/mailbox/tag.ts';
import {emptyState} from '../../source/store/state/state.ts';
import {commandIn, draftOf, messageIn} from '../../source/tui/compose/commands.ts';
import {whoGetsIt} from '../../source/tui/compose/task-forecast.ts';
import {bundle} from '../helpers/bundle.ts';
import {spawn, type TestTerminal} from '../helpers/terminal.ts';

let program: string;
beforeAll(async () => {
	program = await bundle('tui.ts');
});

function start(scene: string, cols = 160, rows = 30): TestTerminal {
	const terminal = spawn([process.execPath, program], {cols, rows, env: {SCENE: scene}});
	onTestFinished(() => terminal.kill('SIGKILL'));
	return terminal;
}

describe('a line that begins with /', () => {
	it('completes its command, says what Enter will do, and adds a task for whom it names', async () => {
		const terminal = start('echo');
		await terminal.waitFor('1 CLAUDE_1');
		terminal.write('c/');
		const offered = (await terminal.waitFor('/plan')).join('\n');
		expect(offered).toMatch(/▌\/task +\[@TAG\] TITLE {3}adds a task; with @TAG, for that agent only/);
		terminal.write('ta\t');
		await terminal.waitFor(/→ \/task +a task: its title, then details on further lines/);
		terminal.write('@cl\tPort the parser');
		await terminal.waitFor(/→ \/task @CLAUDE_1 Port the parser +adds a task for CLAUDE_1/);
		terminal.write('\u000Asee docs/parser.md\r');
		await terminal.waitFor('Task #1 is queued for CLAUDE_1.');
		expect(terminal.text()).toContain('#1 Port the parser');
		expect(terminal.text()).toMatch(/→ @CLAUDE_1 +idle/);
	});

	it('adds a plan with a step for each further line', async () => {
		const terminal = start('echo');
		await terminal.waitFor('1 CLAUDE_1');
		terminal.write('c/plan Monthly report\r');
		await terminal.waitFor('A plan needs steps: write one per line (^J) after the title.');
		terminal.write('\u000A- fetch rows\u000A- write it up');
		await terminal.waitFor('adds a plan of 2 steps');
		terminal.write('\r');
		await terminal.waitFor('Task #1 is queued.');
		expect(terminal.text()).toMatch(/#1 Monthly report[^]*○ fetch rows[^]*○ write it up/);
	});

	it('says who will get a plan of several lines in the room that is left, at 80x24 too', async () => {
		const terminal = start('two', 80, 24);
		await terminal.waitFor('1 CLAUDE_1');
		terminal.write('c/plan @CLAUDE_1 Monthly report\u000A- fetch the rows\u000A- write it up');
		await terminal.waitFor(/→ \/plan @CLAUDE_1 Monthly report +2 steps, for CLAUDE_1 *$/m);
		// Where the title leaves no room, beside a step.
		terminal.write('\u0001\u001B[A\u001B[A\u0005 about all that happened this year');
		const beside = /this year *\n +- fetch the rows +2 steps for CLAUDE_1, when its turn is done *$/m;
		expect(await terminal.waitFor(beside)).toHaveLength(24);
	});

	it('sends nothing when there is no such command, and says how a message begins with /', async () => {
		const terminal = start('echo', 200);
		await terminal.waitFor('1 CLAUDE_1');
		terminal.write('c/tsk Port the parser\r');
		await terminal.waitFor(
			'Unknown command /tsk; there are /task, /plan and /urgent. To begin a message with /, write //.',
		);
		expect(terminal.text()).toContain('→ /tsk Port the parser');
		expect(terminal.text()).not.toContain('heard');
		terminal.write('\u0015//usr/bin is full\r');
		expect(await terminal.waitFor(/heard: \/usr\/bin is full/)).toHaveLength(30);
	});

	it('keeps the addressee of the pane when a second / says that it is a message', async () => {
		const terminal = start('echo');
		await terminal.waitFor('1 CLAUDE_1');
		terminal.write('c/');
		await terminal.waitFor(/→ \/ *$/m);
		terminal.write('/usr/bin is full\r');
		expect(await terminal.waitFor('heard: @CLAUDE_1 /usr/bin is full')).toHaveLength(30);
	});

	it('with /urgent sends an urgent message to whom the pane is of, and says when a focused agent reads it', async () => {
		const terminal = start('focused');
		await terminal.waitFor('1 CLAUDE_1');
		terminal.write('c');
		await terminal.waitFor(/→ @CLAUDE_1 +focused: reads this after its turn/);
		terminal.write('/urg\t');
		await terminal.waitFor(/→ \/urgent @CLAUDE_1 +focused: reads this mid-turn/);
		terminal.write('\r');
		await terminal.waitFor('There is nothing to send.');
		terminal.write('stop the deploy\r');
		await terminal.waitFor(/HUMAN urgent → CLAUDE_1/);
		// Typed out, too.
		terminal.write('\u0015/urgent ');
		await terminal.waitFor(/→ \/urgent @CLAUDE_1 *\S/);
		terminal.write('now\r');
		expect(await terminal.waitFor(/HUMAN urgent → CLAUDE_1[^]*HUMAN urgent → CLAUDE_1[^]*@CLAUDE_1 now/)).toHaveLength(
			30,
		);
	});

	it('comes back with /urgent, and is kept with it, if the message could not be sent', async () => {
		const terminal = start('outage', 200);
		await terminal.waitFor('● live');
		terminal.kill('SIGUSR2');
		await terminal.waitFor('offline');
		terminal.write('c/urgent Port the parser\r');
		expect(await terminal.waitFor(/HUMAN urgent +waiting for the connection/)).toHaveLength(30);
	});

	it('comes back into the compose line if it failed', async () => {
		const terminal = start('outage', 200);
		await terminal.waitFor('● live');
		terminal.kill('SIGUSR2');
		await terminal.waitFor('offline');
		terminal.write('c/task Port the parser\r');
		expect(await terminal.waitFor(/→ \/task Port the parser +The hub does not answer\./)).toHaveLength(30);
	});
});

describe('a command', () => {
	const explained = (text: string): string => {
		const found = commandIn(text);
		if (found === null) return 'a message';
		if ('fault' in found) return found.fault;
		return found.command.fault(found.rest) ?? found.command.explain(found.rest, emptyState, 0)[0] ?? '';
	};

	it.each([
		['hello', 'a message'],
		['//usr', 'a message'],
		['@A /task x', 'a message'],
		['/task', 'A task needs a title.'],
		['/task @A', 'A task needs a title.'],
		['/TASK  x', 'adds a task for any agent; none is there'],
		['/task @A x\nmore', 'adds a task with details for A'],
		['/task @ x', 'adds a task for any agent; none is there'],
		['/task x @A', 'adds a task for any agent; none is there'],
		[`/task ${'x'.repeat(1001)}`, "A task's title can have at most 1,000 letters; put the rest on further lines."],
		['/plan x', 'A plan needs steps: write one per line (^J) after the title.'],
		['/plan x\n1. one\n\n 2) two\n• three', 'adds a plan of 3 steps for any agent; none is there'],
		['/plan @A x\n- one', 'adds a plan of 1 step for A'],
		[`/plan x${'\ny'.repeat(101)}`, 'A plan can have at most 100 steps; this one has 101.'],
		['/urgent stop', 'a message'],
		[
			'/urgently',
			'Unknown command /urgently; there are /task, /plan and /urgent. To begin a message with /, write //.',
		],
		['/', 'Unknown command /; there are /task, /plan and /urgent. To begin a message with /, write //.'],
		['/\u001B[31m', 'Unknown command /␛[31m; there are /task, /plan and /urgent. To begin a message with /, write //.'],
	])('%j: %s', (text, explanation) => {
		expect(explained(text)).toBe(explanation);
	});

	it.each([
		[{}, 'for A, which is woken', 'A is woken', 'for any agent; an idle one is woken', 'wakes an agent'],
		[{wake: null}, 'for A, at its next turn', 'for A', 'for any agent; none can be woken', 'wakes no agent'],
		[
			{presence: 'working'},
			'for A, when its turn is done',
			'for A',
			'for any agent; the next one that is done',
			'for any agent',
		],
		[
			{presence: 'blocked'},
			'for A, when it resumes',
			'for A',
			'for any agent; the next one that is done',
			'for any agent',
		],
		[{presence: 'away'}, 'for A, which is away', 'A is away', 'for any agent; none is there', 'no agent is there'],
		[
			{last_seen_at: '2020-01-01T00:00:00Z'},
			'for A, which is gone',
			'A is gone',
			'for any agent; none is there',
			'no agent is there',
		],
		[
			{revoked_at: '2026-12-01T00:00:00Z'},
			'for A, which is revoked',
			'A is revoked',
			'for any agent; none is there',
			'no agent is there',
		],
	] as const)(
		'says who gets it and whether anybody is woken: %j',
		(change, assigned, assignedBrief, anybody, brief) => {
			const instant = new Date(0).toISOString();
			const agent: Agent = {
				tag: 'A',
				kind: 'agent',
				role: null,
				presence: 'idle',
				joined_at: instant,
				last_seen_at: instant,
				revoked_at: null,
				sessions: 1,
				wake: 'bell',
				damped: null,
				groups: [],
				paused: null,
				focused: false,
				meta: {},
				...change,
			};
			const state = {...emptyState, agents: new Map([[foldTag('A'), agent]])};
			const now = 'last_seen_at' in change ? Date.parse('2026-01-01') : 0;
			expect(whoGetsIt(state, 'a', now).long).toBe(assigned.replace('A', 'a'));
			expect(whoGetsIt(state, 'A', now)).toEqual({long: assigned, brief: assignedBrief});
			expect(whoGetsIt(state, undefined, now)).toEqual({long: anybody, brief});
		},
	);

	it('warns, however briefly, of an agent that never joined', () => {
		const state = {...emptyState, loaded: true};
		expect(whoGetsIt(state, 'A', 0)).toEqual({long: 'for A, which never joined', brief: 'A never joined'});
	});

	it('with a second / is a message, without the /', () => {
		expect(messageIn('//usr').body).toBe('/usr');
		expect(messageIn('/usr').body).toBe('/usr');
		expect(messageIn('a //b')).toEqual({body: 'a //b', isUrgent: false});
	});

	it('with /urgent is an urgent message, and the same draft again', () => {
		expect(messageIn('/urgent @A stop')).toEqual({body: '@A stop', isUrgent: true});
		expect(messageIn('/URGENT //usr is full')).toEqual({body: '/usr is full', isUrgent: true});
		expect(messageIn('//urgent')).toEqual({body: '/urgent', isUrgent: false});
		for (const body of ['@A stop', '/usr is full', 'a\nb']) {
			for (const isUrgent of [true, false]) expect(messageIn(draftOf(body, isUrgent))).toEqual({body, isUrgent});
		}
	});
});
