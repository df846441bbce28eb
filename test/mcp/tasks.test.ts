import {afterEach, beforeEach, describe, expect, test, vi} from 'vitest';
import type {Json} from '../../source/mailbox/json.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import type {Task} from '../../source/mailbox/task.ts';
import {openDesk, type AgentClient, type Called} from '../helpers/mcp.ts';
import {memoryMailbox} from '../helpers/memory-mailbox.ts';
import {MemoryServer} from '../helpers/memory-server.ts';
import {tasksIn, tokenIn, type ShownTask} from '../helpers/shown.ts';

let database: MemoryServer;
let agent: Mailbox;
let other: Mailbox;
let session: AgentClient;
let isAtWork: boolean;

beforeEach(async () => {
	database = new MemoryServer();
	agent = memoryMailbox(database, {tag: 'CLAUDE_1'});
	other = memoryMailbox(database, {tag: 'CLAUDE_2'});
	isAtWork = true;
	session = await openDesk('CLAUDE_1', agent, {isAtWork: () => isAtWork});
});
afterEach(() => session.close());

const call = (name: string, args: object = {}): Promise<Called> => session.call(name, args);
const taskIn = (called: Called): ShownTask | undefined => tasksIn(called)[0];
const whatNext =
	'When it can be claimed, an idle agent is woken. You are told how it ends (for a step, how its plan ends).';
const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ`;
const only = async (id: number): Promise<Task | undefined> => (await other.tasks.list({ids: [id]}))[0];
const expire = (id: number): void => {
	const task = database.tasks.rows[id - 1];
	if (task !== undefined)
		database.tasks.rows[id - 1] = {...task, lease_until: new Date(Date.now() - 1000).toISOString()};
};

/** A restarted server, which does not know any claim. */
async function restart(): Promise<void> {
	await session.close();
	session = await openDesk('CLAUDE_1', agent);
}

describe('add_task', () => {
	test('adds a task, once per key', async () => {
		const args = {title: 'Build it', body: 'well', priority: 3, idem_key: 'k'};
		const called = await call('add_task', args);
		expect(called.text).toBe(`Task #1 is queued in queue default. ${whatNext}`);
		expect((await call('add_task', {...args, title: 'Build it again'})).text).toContain('Task #1 is');
		expect(await only(1)).toMatchObject({title: 'Build it', body: 'well', priority: 3, created_by: 'CLAUDE_1'});
	});

	test('warns of an agent that has not joined', async () => {
		const unknown = 'HUMNA has not joined; the task will wait for it. Did you mean HUMAN?';
		expect((await call('add_task', {title: 'typo', to: 'HUMNA'})).text).toBe(
			`Task #1 is queued for HUMNA. ${whatNext}\n${unknown}`,
		);
		expect((await call('add_task', {title: 'plan', to: 'HUMNA', steps: [{title: 'step'}]})).text).toContain(unknown);
		expect((await call('add_task', {title: 'right', to: 'HUMAN'})).text).not.toContain('joined');
	});

	test('a step has its plan and its position', async () => {
		await call('add_task', {title: 'plan'});
		await call('add_task', {title: 'step', parent_id: 1, position: 7, depends_on: []});
		expect(await only(2)).toMatchObject({parent_id: 1, position: 7});
	});

	test('adds a plan with its steps in one call, each after the one before', async () => {
		const called = await call('add_task', {
			title: 'Release',
			queue: 'q',
			steps: [{title: 'test', body: 'all'}, {title: 'tag'}, {title: 'publish'}],
		});
		expect(called.text).toBe(`Plan #1 is in queue q with the steps #2, #3, #4. ${whatNext}`);
		expect((await other.tasks.list({parents: [1]})).toSorted((one, next) => one.id - next.id)).toMatchObject([
			{id: 2, title: 'test', body: 'all', queue: 'q', position: 1, depends_on: []},
			{id: 3, title: 'tag', position: 2, depends_on: [2]},
			{id: 4, title: 'publish', position: 3, depends_on: [3]},
		]);
	});

	test('adds a task or a plan for one agent only', async () => {
		await other.touch({});
		expect((await call('add_task', {title: 'x', to: '@CLAUDE_2'})).text).toBe(
			`Task #1 is queued for CLAUDE_2. ${whatNext}`,
		);
		expect((await call('add_task', {title: 'y', to: 'CLAUDE_2', steps: [{title: 'z'}]})).text).toBe(
			`Plan #2 is for CLAUDE_2 with the steps #3. ${whatNext}`,
		);
		expect(await only(3)).toMatchObject({assignee: 'CLAUDE_2'});
	});

	test('the steps of a plan in no order wait for nothing', async () => {
		await call('add_task', {title: 'Look', steps: [{title: 'a'}, {title: 'b'}], in_order: false});
		expect(await other.tasks.list({parents: [1]})).toMatchObject([{depends_on: []}, {depends_on: []}]);
	});

	test('a task whose outcome was unknown is added once when it is added again', async () => {
		const add = agent.tasks.add.bind(agent.tasks);
		vi.spyOn(agent.tasks, 'add').mockImplementationOnce(async draft => {
			await add(draft);
			database.outage('The hub is gone.');
			return add(draft);
		});
		const lost = await call('add_task', {title: 'once'});
		expect(lost.text).toMatch(/^The hub is gone\..*again with the same arguments/);
		database.recover();
		expect((await call('add_task', {title: 'once'})).text).toContain('Task #1 is');
		expect((await call('add_task', {title: 'once'})).text).toContain('Task #2 is');
	});

	test.each([
		[{title: ''}, 'title'],
		[{title: 'a\0b'}, 'NUL'],
		[{title: 'x', queue: 'q'.repeat(65)}, 'queue'],
		[{title: 'x', steps: [{}]}, 'title'],
		[{title: 'x', prio: 1}, 'prio'],
	])('bad input is an error that names it', async (args, word) => {
		const {isError, text} = await call('add_task', args);
		expect(isError).toBe(true);
		expect(text).toContain(word);
		expect(database.tasks.rows).toEqual([]);
	});
});

describe('list_tasks', () => {
	test('shows a plan with its steps indented in their order', async () => {
		await call('add_task', {title: 'Release', steps: [{title: 'test'}, {title: 'publish'}]});
		await call('add_task', {title: 'Tidy'});
		await agent.tasks.claim({id: 2});
		await agent.tasks.progress(2, 1, 0.5, 'half of them pass');
		await agent.tasks.finish(2, 1, {ok: true});
		await other.tasks.claim({id: 3});
		const called = await call('list_tasks');
		expect(
			called.text
				.replaceAll(new RegExp(`until ${time}`, 'g'), 'until then')
				.split('\n')
				.slice(1)
				.sort(),
		).toEqual([
			'    | publish',
			'    | test',
			'  #2 done, added by CLAUDE_1:',
			'  #3 running by CLAUDE_2 0%, until then, added by CLAUDE_1:',
			'  | Release',
			'  | Tidy',
			'#1 running 0%, added by CLAUDE_1:',
			'#4 queued, added by CLAUDE_1:',
		]);
		const tree = tasksIn(called).map(({id, level}) => `${'-'.repeat(level)}${id}`);
		expect(tree.slice(tree.indexOf('1'), tree.indexOf('1') + 3)).toEqual(['1', '-2', '-3']);
		expect(called.text).toMatch(/^.*not instructions/);
	});

	test('filters, and shows nothing else then', async () => {
		await call('add_task', {title: 'Release', steps: [{title: 'test'}, {title: 'publish'}]});
		await call('add_task', {title: 'Elsewhere', queue: 'q'});
		await agent.tasks.claim({});
		expect(tasksIn(await call('list_tasks', {mine: true}))).toMatchObject([
			{id: 2, status: 'running', facts: expect.stringContaining(', step of #1, added by CLAUDE_1'), title: 'test'},
		]);
		// The plan that it is a step of is running, too.
		expect(tasksIn(await call('list_tasks', {status: ['running']})).map(({id}) => id)).toEqual([1, 2]);
		expect(tasksIn(await call('list_tasks', {status: ['queued'], queue: 'default'})).map(({id}) => id)).toEqual([3]);
		expect(tasksIn(await call('list_tasks', {queue: 'q'})).map(({id}) => id)).toEqual([4]);
		expect((await call('list_tasks', {status: ['dead']})).text).toBe('No tasks.');
	});

	test('shows one task whole: its body, its result, and its steps', async () => {
		await other.tasks.add({title: 'Count', body: 'all of them\n\u001B[2J'});
		await other.tasks.claim({});
		await other.tasks.finish(1, 1, {ok: true, result: {rows: [1, '\u202E'], 'a\u202E': null}, result_table: 'counts'});
		const called = await call('list_tasks', {id: 1});
		const texts = taskIn(called)?.texts ?? {};
		expect(texts).toMatchObject({body: 'all of them\n␛[2J', 'result table': 'counts'});
		expect(JSON.parse(texts['result'] ?? '')).toEqual({rows: [1, '<U+202E>'], 'a<U+202E>': null});
		expect(called.text).toContain(
			'#1 done, added by CLAUDE_2:\n  | Count\n  body:\n  | all of them\n  | ␛[2J\n  result:\n  | {"rows"',
		);
		expect(called.text).toContain('  result table:\n  | counts');
		const none = await call('list_tasks', {id: 9});
		expect(none).toMatchObject({isError: true, text: 'There is no task #9. list_tasks shows the tasks.'});
	});

	test('what is too large for an answer is cut, with the SQL that reads it', async () => {
		// Each is one character for PostgreSQL, and two for JavaScript.
		await other.tasks.add({title: 'Huge', body: '🙂'.repeat(60_000)});
		await other.tasks.claim({});
		await other.tasks.finish(1, 1, {ok: true, result: 'y'.repeat(50_000)});
		const called = await call('list_tasks', {id: 1});
		const shown = taskIn(called);
		// 60 % of the room for the body, four bytes for each.
		const length = Array.from(shown?.texts['body'] ?? '').length;
		expect(length).toBeGreaterThan(6500);
		expect(shown?.rest).toBe(`select substr(body, ${length + 1}), result from tasks where id = 1`);
		expect(shown?.texts['body']).toBe('🙂'.repeat(length));
		expect(Buffer.byteLength(JSON.stringify(called.text))).toBeLessThan(46_000);
	});

	test('a result of any shape is shown, as deep as it can be read', async () => {
		let deep: Json = 'bottom';
		for (let level = 0; level < 5000; level++) deep = [deep];
		await other.tasks.add({title: 'x'});
		await other.tasks.claim({});
		await other.tasks.finish(1, 1, {ok: true, result: deep});
		const called = await call('list_tasks', {id: 1});
		expect(called.isError).toBe(false);
		expect(taskIn(called)?.texts['result']).toMatch(/^\[{100}"…"\]{100}$/);
	});

	test('a hundred of the longest tasks are one answer that a client shows whole', async () => {
		for (let index = 0; index < 100; index++) {
			await other.tasks.add({title: String(index).padEnd(1000, '\u202E'), body: 'x'.repeat(10_000)});
		}
		const codex = await openDesk('CLAUDE_1', agent, {name: 'codex-mcp-client'});
		const {text} = await codex.call('list_tasks', {limit: 100});
		await codex.close();
		expect(Buffer.byteLength(JSON.stringify(text))).toBeLessThan(9000);
		expect(text).toMatch(/\nNot shown, for want of room: #\d+, .*There are more: filter by status or queue/);
	});
});

describe('claim_task', () => {
	test('claims the next ready task, shows it completely, and says how long the claim lasts', async () => {
		await other.tasks.add({title: 'low', body: 'secret\nplan'});
		await other.tasks.add({title: 'high', body: 'do\nthis', priority: 5, message_id: 3});
		const called = await call('claim_task');
		expect(called.text).toMatch(
			new RegExp(
				String.raw`\n#2 running by CLAUDE_1 0%, until ${time}, priority 5, for message #3, added by CLAUDE_2:\n` +
					String.raw`  \| high\n  body:\n  \| do\n  \| this\n` +
					String.raw`Task #2 is yours \(token 1\) while you are at work, and 900 seconds longer\. [^\n]*finish_task ends it\.$`,
			),
		);
		const until = Date.parse((await only(2))?.lease_until ?? '');
		expect(until - Date.now()).toBeGreaterThan(800_000);
	});

	test('says what the open tasks wait for and since when if none is ready, or that the plan is through', async () => {
		const end = 'When a task becomes ready while you are idle, a message wakes you: do not poll.';
		const none = async () => {
			const {isError, text} = await call('claim_task');
			expect(isError).toBe(false);
			return text.replaceAll(/\d\d:\d\d:\d\d/g, 'then').split('\n');
		};
		expect(await none()).toEqual(['No task is ready for you.', 'There are no open tasks.']);
		await agent.touch({presence: 'idle', session: 's', wake: 'bell'});
		expect(await none()).toEqual(['No task is ready for you.', 'There are no open tasks.', end]);
		await other.tasks.plan({title: 'plan'}, [{title: 'one'}, {title: 'two'}, {title: 'three'}], true);
		await other.tasks.claim({});
		await other.tasks.add({title: 'x', queue: 'review'});
		expect(await none()).toEqual([
			'No task is ready for you.',
			'Plan #1 is not through: 0 of 3 steps done; #2 is being worked on by CLAUDE_2 since then UTC; #3 waits for #2; #4 waits for #3.',
			'#5 has been ready in queue "review" since then UTC.',
			end,
		]);
		await other.tasks.finish(2, 1, {ok: false, error: 'no luck'});
		await other.tasks.cancel(5);
		expect((await none())[1]).toBe(
			'Plan #1 is not through: 0 of 3 steps done; #2 waits until then UTC (attempt 2 of 5; it failed at then UTC); #3 waits for #2; #4 waits for #3.',
		);
		await other.tasks.plan({title: 'theirs', assignee: 'CLAUDE_2'}, [{title: 'one'}], true);
		for (const id of [2, 3, 4, 1]) database.tasks.rows[id - 1] = {...database.tasks.rows[id - 1]!, status: 'done'};
		expect((await none())[1]).toBe('There are no open tasks for you. Plan #1 is through: all of its steps are done.');
	});

	test('begins with what the agent holds, and claims more only if it says how many', async () => {
		await other.tasks.add({title: 'one'});
		await other.tasks.add({title: 'two'});
		await call('claim_task');
		await agent.tasks.progress(1, 1, 0.7, 'half of them pass');
		const {isError, text} = await call('claim_task');
		expect(isError).toBe(false);
		expect(text).toMatch(
			/^You hold #1 \(70%\)\. [^\n]*\n#1 running by CLAUDE_1 70%, [^\n]*\n {2}\| one\n {2}note:\n {2}\| half of them pass\nFinish it first: /,
		);
		expect((await call('claim_task', {hold: 2})).text).toContain('#2 running by CLAUDE_1');
		expect((await call('claim_task', {hold: 2})).text).toMatch(/^You hold #1 \(70%\) and #2 \(0%\)\./);
	});

	test('shows what the attempts before came to, with the last note', async () => {
		await other.tasks.add({title: 'x'});
		await other.tasks.claim({});
		await other.tasks.progress(1, 1, 0.7, 'the parser is done');
		await other.tasks.finish(1, 1, {ok: false, error: 'no disk'});
		database.tasks.rows[0] = {...database.tasks.rows[0]!, run_at: null};
		const {text} = await call('claim_task');
		expect(text).toContain('  note:\n  | the parser is done');
		const attempt = new RegExp(
			`\n  attempt 1 by CLAUDE_2: ${time} to ${time}, then queued, 70%\n  \\| no disk\nTask #1 is yours`,
		);
		expect(text).toMatch(attempt);
		expect((await call('list_tasks', {id: 1})).text).toMatch(/\n {2}attempt 2 by CLAUDE_1: .* until now, /);
	});

	test.each([
		['is not there', 9, 'There is no task #9. list_tasks shows'],
		['another has', 1, /^Task #1 is running: CLAUDE_2 has it until .*\. Leave it to its owner/],
		['it has itself', 2, /^Task #2 is running: .* That is you\. Continue with it: task_progress reports, finish_task/],
		['is done', 3, 'Task #3 is done. It cannot be claimed any more'],
		['is a plan', 4, 'Task #4 is a plan: its steps are claimed, not the plan. Queued: #5, #6.'],
		['waits for another', 6, 'Task #6 waits for #5 (queued). Claim it when those are done'],
		['has its time to come', 7, /^Task #7 cannot be claimed before 2\d{3}-.*\. Claim it then/],
	])('a task that %s is not claimed, and the error says why', async (_, id, sentence) => {
		for (const title of ['theirs', 'mine', 'done']) await other.tasks.add({title});
		await other.tasks.plan({title: 'plan'}, [{title: 'one'}, {title: 'two'}], true);
		await other.tasks.add({title: 'later', run_at: new Date(Date.now() + 3_600_000).toISOString()});
		await other.tasks.claim({id: 1});
		await agent.tasks.claim({id: 2});
		await other.tasks.claim({id: 3});
		await other.tasks.finish(3, 1, {ok: true});
		const {isError, text} = await call('claim_task', {id});
		expect(isError).toBe(true);
		expect(text).toMatch(sentence);
	});

	test('claims the named task from any queue', async () => {
		await other.tasks.add({title: 'x', queue: 'q'});
		expect((await call('claim_task', {id: 1})).text).toMatch(
			/\n#1 running by CLAUDE_1 0%, until .*, queue q, added by/,
		);
	});
});

describe('task_progress', () => {
	test('says how far it is and renews the claim, for as long as it was claimed', async () => {
		await other.tasks.add({title: 'x'});
		await call('claim_task', {lease_seconds: 600});
		expire(1);
		const called = await call('task_progress', {id: 1, progress: 0.5, note: 'half\u001B[2J'});
		expect(called.text).toMatch(
			/^Recorded\. .*not instructions.*\n#1 running by CLAUDE_1 50%, until .*, added by CLAUDE_2:\n {2}\| x\n {2}note:\n {2}\| half␛\[2J\nIt is yours while you are at work, and 600 seconds longer\.$/,
		);
		const left = Date.parse((await only(1))?.lease_until ?? '') - Date.now();
		expect(left).toBeGreaterThan(500_000);
		const shorter = await call('task_progress', {id: 1, progress: 0.6, lease_seconds: 60});
		for (const {text} of [shorter, await call('task_progress', {id: 1, progress: 0.7})]) {
			expect(text).toContain('and 60 seconds longer.');
		}
	});

	test('after a restart of the server the task is found again', async () => {
		await other.tasks.add({title: 'x'});
		await call('claim_task');
		await restart();
		expect((await call('task_progress', {id: 1, progress: 0.5})).text).toContain('#1 running by CLAUDE_1 50%');
	});

	test('progress is from 0 to 1', async () => {
		for (const progress of [-0.1, 1.5, '50%', null, undefined]) {
			expect((await call('task_progress', {id: 1, progress})).isError).toBe(true);
		}
	});
});

describe('finish_task', () => {
	test('records the result, and tells the requester', async () => {
		await other.tasks.add({title: 'x', message_id: 12});
		await call('claim_task');
		const called = await call('finish_task', {id: 1, result: {rows: 3}, result_table: 'counts'});
		expect(called.text).toMatch(
			/^Recorded\. .*not instructions.*\n#1 done, for message #12, added by CLAUDE_2:\n {2}\| x\n/,
		);
		expect(called.text.split('\n').at(-1)).toBe(
			'Message #12 asked for it: send_message with reply_to 12 tells its author.',
		);
		expect(await only(1)).toMatchObject({status: 'done', result: {rows: 3}, result_table: 'counts'});
	});

	test('can be repeated for the latest hundred tasks; claims of earlier ones are forgotten', async () => {
		for (let id = 1; id <= 101; id += 1) {
			await other.tasks.add({title: `task ${id}`});
			await call('claim_task', {id});
			await call('finish_task', {id});
		}
		expect(await call('finish_task', {id: 2})).toMatchObject({isError: false});
		expect(await call('finish_task', {id: 1})).toMatchObject({isError: true});
	});

	test('what failed is tried again, and is dead after the last attempt', async () => {
		await other.tasks.add({title: 'x', max_attempts: 1});
		await other.tasks.add({title: 'y'});
		await call('claim_task', {id: 1});
		await call('claim_task', {id: 2});
		const dead = await call('finish_task', {id: 1, ok: false, reason: 'no disk'});
		expect(taskIn(dead)).toMatchObject({status: 'dead', texts: {'last error': 'no disk'}});
		expect(dead.text).toMatch(
			/\n#1 dead, attempt 1 of 1, added by CLAUDE_2:\n {2}\| x\n {2}last error:\n {2}\| no disk\nAll 1 attempts failed, so it will not be tried again; its author and the human are told\.$/,
		);
		const again = await call('finish_task', {id: 2, ok: false, reason: 'no luck'});
		expect(taskIn(again)).toMatchObject({status: 'queued', texts: {'last error': 'no luck'}});
		expect(again.text).toMatch(
			/It failed, and will be tried again after .* \(attempt 1 of 5\): an idle agent is woken for it then\.$/,
		);
	});

	test('fails a task for good, cancels and retries one that the agent added, each with a reason', async () => {
		await other.tasks.add({title: 'x'});
		await call('claim_task');
		for (const outcome of ['failed', 'dead', 'cancelled', 'retry']) {
			expect((await call('finish_task', {id: 1, outcome})).text).toMatch(/needs a reason\. Say in `reason`/);
		}
		const dead = await call('finish_task', {id: 1, outcome: 'dead', reason: 'there is no such API'});
		expect(dead.text).toMatch(/\nIt will not be tried again; its author and the human are told\.$/);
		expect(await only(1)).toMatchObject({status: 'dead', attempts: 1});
		await agent.tasks.add({title: 'mine'});
		const cancelled = await call('finish_task', {id: 2, outcome: 'cancelled', reason: 'no longer wanted'});
		expect(taskIn(cancelled)).toMatchObject({
			status: 'cancelled',
			texts: {'last error': 'cancelled by CLAUDE_1: no longer wanted'},
		});
		expect(taskIn(await call('finish_task', {id: 2, outcome: 'retry', reason: 'it is'}))).toMatchObject({
			status: 'queued',
		});
		const theirs = await call('finish_task', {id: 1, outcome: 'retry', reason: 'again'});
		expect(theirs).toMatchObject({isError: true, text: expect.stringContaining('may not retry task 1') as string});
	});

	test('a failure without a reason is refused, and the claim stays', async () => {
		await other.tasks.add({title: 'x'});
		await call('claim_task');
		const {isError, text} = await call('finish_task', {id: 1, ok: false});
		expect(isError).toBe(true);
		expect(text).toMatch(/^A failed task needs a reason\. Say in `reason`/);
		expect((await call('finish_task', {id: 1})).isError).toBe(false);
	});

	test('finishing again, because the answer was lost, is the same as once', async () => {
		await other.tasks.add({title: 'x'});
		await other.tasks.add({title: 'y'});
		const first = await call('claim_task', {id: 1});
		await call('claim_task', {id: 2});
		const finish = agent.tasks.finish.bind(agent.tasks);
		let lost = false;
		vi.spyOn(agent.tasks, 'finish').mockImplementation(async (...args) => {
			const task = await finish(...args);
			if (lost || task.status === 'done') return task;
			lost = true;
			database.outage('The hub is gone.');
			return finish(...args);
		});
		await call('finish_task', {id: 1, result: {n: 1}});
		const again = await call('finish_task', {id: 1, result: {n: 1}, token: tokenIn(first)});
		expect(taskIn(again)).toMatchObject({status: 'done'});
		const failing = {id: 2, ok: false, reason: 'no luck'};
		expect((await call('finish_task', failing)).text).toMatch(/^The hub is gone\..*again/);
		database.recover();
		expect(taskIn(await call('finish_task', failing))).toMatchObject({
			status: 'queued',
			texts: {'last error': 'no luck'},
		});
	});

	test('after a restart of the server a task is finished with its token, or without', async () => {
		await other.tasks.add({title: 'x'});
		await other.tasks.add({title: 'y'});
		const first = await call('claim_task');
		await call('claim_task', {hold: 2});
		await restart();
		expect(taskIn(await call('finish_task', {id: 1, token: tokenIn(first)}))).toMatchObject({status: 'done'});
		expect(taskIn(await call('finish_task', {id: 2}))).toMatchObject({status: 'done'});
	});

	test('a task whose lease ran out is finished all the same while nobody else has claimed it', async () => {
		await other.tasks.add({title: 'x'});
		await call('claim_task');
		expire(1);
		await other.tasks.list();
		expect((await call('task_progress', {id: 1, progress: 0.5})).isError).toBe(false);
		expect(await only(1)).toMatchObject({attempts: 1, progress: 0.5});
		expire(1);
		await other.tasks.list();
		expect(taskIn(await call('finish_task', {id: 1}))).toMatchObject({status: 'done'});
		expect(await only(1)).toMatchObject({attempts: 1});
	});

	test('finishing again is the same, with another outcome it is refused, and the claim need not be named', async () => {
		await other.tasks.add({title: 'x'});
		await call('claim_task');
		const first = await call('finish_task', {id: 1, result: {n: 1}});
		expect(await call('finish_task', {id: 1, result: {n: 1}})).toEqual(first);
		const {isError, text} = await call('finish_task', {id: 1, ok: false, reason: 'it broke'});
		expect(isError).toBe(true);
		expect(text).toBe('Claim 1 of task 1 was already finished with a different outcome. The first outcome stands.');
	});

	test('the token of an earlier claim ends nothing', async () => {
		await other.tasks.add({title: 'x'});
		await call('claim_task');
		expire(1);
		await other.tasks.list();
		expect(tokenIn(await call('claim_task'))).toBe(2);
		const {isError, text} = await call('finish_task', {id: 1, token: 1});
		expect(isError).toBe(true);
		expect(text).toMatch(/^Task #1 is running: CLAUDE_1 has it until .*Its claim now has another token/);
		expect((await call('finish_task', {id: 1})).isError).toBe(false);
	});
});

describe.each([
	['task_progress', {progress: 0.5}],
	['finish_task', {}],
])('%s', (name, args) => {
	test.each([
		['not claimed', /^Task #1 is queued\. You have not claimed it\. Use claim_task with id 1 to claim it/],
		['of another', /^Task #1 is running: CLAUDE_2 has it until .*\. You have not claimed it\. Stop working on it/],
		['not there', 'There is no task #1. list_tasks shows'],
		['lost to another', /^Task #1 is running: CLAUDE_2 has it until .*, and nothing was recorded\. Stop working on it/],
		['cancelled', /^Task #1 is cancelled\. Your claim has ended, .*\. Stop working on it/],
	])('on a task that is %s is an error that says what to do', async (how, sentence) => {
		if (how !== 'not there') await other.tasks.add({title: 'x'});
		if (how === 'of another') await other.tasks.claim({});
		if (how === 'lost to another' || how === 'cancelled') await call('claim_task');
		if (how === 'lost to another') {
			expire(1);
			await other.tasks.list();
			await other.tasks.claim({});
		}
		if (how === 'cancelled') await other.tasks.cancel(1);
		const {isError, text} = await call(name, {id: 1, ...args});
		expect(isError).toBe(true);
		expect(text).toMatch(sentence);
	});
});

describe('while its server lives', () => {
	beforeEach(() => {
		vi.useFakeTimers({toFake: ['setTimeout', 'clearTimeout']});
	});
	afterEach(() => {
		vi.useRealTimers();
	});

	test('claims are renewed in one request, thrice within the shortest lease and each 65 s at least', async () => {
		await other.tasks.add({title: 'x'});
		await other.tasks.add({title: 'y'});
		const renew = vi.spyOn(agent.tasks, 'renew');
		const first = {id: 1, token: 1, lease: 900};
		await call('claim_task');
		await vi.advanceTimersByTimeAsync(65_000);
		expect(renew.mock.calls).toEqual([[[first], undefined]]);
		await call('claim_task', {lease_seconds: 30, hold: 2});
		await vi.advanceTimersByTimeAsync(10_000);
		await vi.waitFor(() =>
			expect(renew.mock.calls.slice(1)).toEqual([[[first, {id: 2, token: 1, lease: 30}], undefined]]),
		);
		await call('finish_task', {id: 1});
		await call('finish_task', {id: 2});
		await vi.advanceTimersByTimeAsync(600_000);
		expect(renew).toHaveBeenCalledTimes(2);
	});

	test('not while its client is idle, and again when it goes on', async () => {
		await other.tasks.add({title: 'x'});
		const renew = vi.spyOn(agent.tasks, 'renew');
		await call('claim_task');
		isAtWork = false;
		await vi.advanceTimersByTimeAsync(600_000);
		expect(renew).not.toHaveBeenCalled();
		isAtWork = true;
		await vi.advanceTimersByTimeAsync(65_000);
		expect(renew).toHaveBeenCalledTimes(1);
	});

	test('is retried while the hub is down, and not once the claim is over', async () => {
		await other.tasks.add({title: 'x'});
		const renew = vi.spyOn(agent.tasks, 'renew');
		await call('claim_task');
		database.outage('The hub is gone.');
		await vi.advanceTimersByTimeAsync(600_000);
		database.recover();
		expire(1);
		await other.tasks.list();
		await vi.advanceTimersByTimeAsync(65_000);
		expect(await only(1)).toMatchObject({status: 'running', lease_owner: 'CLAUDE_1', attempts: 1});
		await other.tasks.cancel(1);
		await vi.advanceTimersByTimeAsync(65_000);
		const calls = renew.mock.calls.length;
		await vi.advanceTimersByTimeAsync(600_000);
		expect(renew).toHaveBeenCalledTimes(calls);
	});

	test('and not when its client has gone', async () => {
		await other.tasks.add({title: 'x'});
		const renew = vi.spyOn(agent.tasks, 'renew');
		await call('claim_task');
		await session.close();
		await vi.advanceTimersByTimeAsync(600_000);
		expect(renew).not.toHaveBeenCalled();
	});
});

test('a task that can never run says so, and why', async () => {
	await other.tasks.add({title: 'A'});
	const why = 'blocked for ever: task 1 waits for its step 3, which waits for task 2, which waits for task 1';
	database.tasks.rows[0] = {...database.tasks.rows[0]!, last_error: why};
	expect((await call('list_tasks')).text).toContain(
		`#1 queued, blocked for ever, added by CLAUDE_2:\n  | A\n  why:\n  | ${why}`,
	);
	// Nothing is made up of what anybody may have said of a task that failed.
	database.tasks.rows[0] = {...database.tasks.rows[0], status: 'dead'};
	expect((await call('list_tasks')).text).toContain(
		`#1 dead, attempt 0 of 5, added by CLAUDE_2:\n  | A\n  last error:\n`,
	);
});

test('errors are results that say what to do, not protocol errors', async () => {
	database.outage('The hub cannot be reached.');
	const calls: [string, object][] = [
		['add_task', {title: 'x'}],
		['add_task', {title: 'x', steps: [{title: 'y'}]}],
		['list_tasks', {}],
		['claim_task', {}],
		['task_progress', {id: 1, progress: 0.5}],
		['finish_task', {id: 1}],
	];
	for (const [name, args] of calls) {
		const {isError, text} = await call(name, args);
		expect(isError).toBe(true);
		expect(text).toMatch(/^The hub cannot be reached\..*again with the same arguments/);
	}
});
