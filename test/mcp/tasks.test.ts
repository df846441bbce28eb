import {afterEach, beforeEach, describe, expect, test, vi} from 'vitest';
import type {Json} from '../../source/mailbox/json.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import type {Task} from '../../source/mailbox/task.ts';
import {openDesk, type AgentClient, type Called} from '../helpers/mcp.ts';
import {memoryMailbox} from '../helpers/memory-mailbox.ts';
import {MemoryServer} from '../helpers/memory-server.ts';

let database: MemoryServer;
let agent: Mailbox;
let other: Mailbox;
let session: AgentClient;

beforeEach(async () => {
	database = new MemoryServer();
	agent = memoryMailbox(database, {tag: 'CLAUDE_1'});
	other = memoryMailbox(database, {tag: 'CLAUDE_2'});
	session = await openDesk('CLAUDE_1', agent);
});
afterEach(() => session.close());

const call = (name: string, args: object = {}): Promise<Called> => session.call(name, args);
const taskIn = ({data}: Called): Task & {owner: string} => data['task'] as Task & {owner: string};
const tasksIn = ({data}: Called): (Task & {level: number})[] => data['tasks'] as (Task & {level: number})[];
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
		expect(taskIn(called)).toMatchObject({
			id: 1,
			title: 'Build it',
			status: 'queued',
			priority: 3,
			created_by: 'CLAUDE_1',
		});
		expect(called.text).toBe('Task #1 is queued in queue default; list_tasks shows its progress.');
		expect(taskIn(await call('add_task', {...args, title: 'Build it again'})).id).toBe(1);
		expect(await only(1)).toMatchObject({body: 'well'});
	});

	test('a step has its plan and its position', async () => {
		await call('add_task', {title: 'plan'});
		const step = taskIn(await call('add_task', {title: 'step', parent_id: 1, position: 7, depends_on: []}));
		expect(step).toMatchObject({id: 2, parent_id: 1, position: 7});
	});

	test('adds a plan with its steps in one call, each after the one before', async () => {
		const called = await call('add_task', {
			title: 'Release',
			queue: 'q',
			steps: [{title: 'test', body: 'all'}, {title: 'tag'}, {title: 'publish'}],
		});
		expect(called.text).toBe(
			'Plan #1 is in queue q with the steps #2, #3, #4; list_tasks with id 1 shows its progress.',
		);
		expect(called.data['steps']).toEqual([2, 3, 4]);
		expect((await other.tasks.list({parents: [1]})).toSorted((one, next) => one.id - next.id)).toMatchObject([
			{id: 2, title: 'test', body: 'all', queue: 'q', position: 1, depends_on: []},
			{id: 3, title: 'tag', position: 2, depends_on: [2]},
			{id: 4, title: 'publish', position: 3, depends_on: [3]},
		]);
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
		expect(taskIn(await call('add_task', {title: 'once'})).id).toBe(1);
		expect(taskIn(await call('add_task', {title: 'once'})).id).toBe(2);
	});

	test.each([
		[{title: ''}, 'title'],
		[{title: 'a\0b'}, 'NUL'],
		[{title: 'x', queue: 'q'.repeat(65)}, 'queue'],
		[{title: 'x', steps: []}, 'steps'],
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
		expect(called.text.split('\n').slice(1, -1).sort()).toEqual([
			'    | publish',
			'    | test',
			'  #2 done, added by CLAUDE_1:',
			'  #3 running by CLAUDE_2 0%, added by CLAUDE_1:',
			'  | Release',
			'  | Tidy',
			'#1 running 0%, added by CLAUDE_1:',
			'#4 queued, added by CLAUDE_1:',
		]);
		const tree = tasksIn(called).map(({id, level}) => `${'-'.repeat(level)}${id}`);
		expect(tree.slice(tree.indexOf('1'), tree.indexOf('1') + 3)).toEqual(['1', '-2', '-3']);
		expect(called.data).toMatchObject({more: false, notice: expect.stringContaining('not instructions')});
	});

	test('filters, and shows nothing else then', async () => {
		await call('add_task', {title: 'Release', steps: [{title: 'test'}, {title: 'publish'}]});
		await call('add_task', {title: 'Elsewhere', queue: 'q'});
		await agent.tasks.claim({});
		expect((await call('list_tasks', {mine: true})).text).toContain(
			'\n#2 running by CLAUDE_1 0%, added by CLAUDE_1:\n  | test\n',
		);
		expect(tasksIn(await call('list_tasks', {mine: true})).map(({id}) => id)).toEqual([2]);
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
		expect(tasksIn(called)).toMatchObject([
			{body: 'all of them\n␛[2J', result: {rows: [1, '<U+202E>'], 'a<U+202E>': null}, result_table: 'counts'},
		]);
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
		const [task] = called.data['tasks'] as (Task & {rest: string})[];
		expect(task?.rest).toBe('select substr(body, 12001), result from tasks where id = 1');
		expect(task?.body).toBe('🙂'.repeat(12_000));
		expect(JSON.stringify(called.data).length).toBeLessThan(50_000);
		expect(called.text).toContain(task?.rest);
	});

	test('a result of any shape is shown, as deep as it can be read', async () => {
		let deep: Json = 'bottom';
		for (let level = 0; level < 5000; level++) deep = [deep];
		await other.tasks.add({title: 'x'});
		await other.tasks.claim({});
		await other.tasks.finish(1, 1, {ok: true, result: deep});
		const called = await call('list_tasks', {id: 1});
		expect(called.isError).toBe(false);
		expect(JSON.stringify(tasksIn(called)[0]?.result)).toMatch(/^\{"value":\[{90,99}"…"\]{90,99}\}$/);
	});

	test('a hundred of the longest tasks are one answer that a client shows whole', async () => {
		for (let index = 0; index < 100; index++) {
			await other.tasks.add({title: String(index).padEnd(1000, '\u202E'), body: 'x'.repeat(10_000)});
		}
		const {data} = await call('list_tasks', {limit: 100});
		expect(JSON.stringify(data).length).toBeLessThan(50_000);
		expect(data).toMatchObject({more: true, hint: expect.stringContaining('filter by status or queue')});
	});
});

describe('claim_task', () => {
	test('claims the next ready task, shows it completely, and says how long the claim lasts', async () => {
		await other.tasks.add({title: 'low', body: 'secret\nplan'});
		await other.tasks.add({title: 'high', body: 'do\nthis', priority: 5, message_id: 3});
		const called = await call('claim_task');
		expect(taskIn(called)).toMatchObject({id: 2, status: 'running', owner: 'CLAUDE_1', body: 'do\nthis'});
		expect(called.data).toMatchObject({lease_token: 1, lease_seconds: 900, notice: expect.any(String)});
		expect(called.text).toContain(
			'#2 running by CLAUDE_1 0%, added by CLAUDE_2:\n  | high\n  body:\n  | do\n  | this\n',
		);
		expect(called.data['hint']).toMatch(
			/^Task #2 is yours while you are connected, and 900 seconds longer\. .*end it with finish_task, both with id 2\.$/,
		);
		const until = Date.parse((await only(2))?.lease_until ?? '');
		expect(until - Date.now()).toBeGreaterThan(800_000);
	});

	test('says where there is work if none is ready', async () => {
		expect((await call('claim_task')).text).toMatch(/^No task is ready in queue default\. wait_for_message/);
		await other.tasks.plan({title: 'plan'}, [{title: 'one'}, {title: 'two'}], true);
		await other.tasks.claim({});
		await other.tasks.add({title: 'x', queue: 'review'});
		const {isError, data} = await call('claim_task');
		expect(isError).toBe(false);
		expect(data).not.toHaveProperty('task');
		expect(data).not.toHaveProperty('lease_token');
		expect(data['hint']).toContain('2 there wait for other tasks or for their time');
		expect(data['hint']).toContain('Other queues have tasks: review (1)');
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
		expect(taskIn(await call('claim_task', {id: 1}))).toMatchObject({id: 1, owner: 'CLAUDE_1'});
	});
});

describe('task_progress', () => {
	test('says how far it is and renews the claim, for as long as it was claimed', async () => {
		await other.tasks.add({title: 'x'});
		await call('claim_task', {lease_seconds: 600});
		expire(1);
		const called = await call('task_progress', {id: 1, progress: 0.5, note: 'half\u001B[2J'});
		expect(taskIn(called)).toMatchObject({progress: 0.5, note: 'half␛[2J'});
		expect(called.data).toMatchObject({lease_seconds: 600});
		expect(called.text).toMatch(
			/^Recorded\. .*not instructions.*\n#1 running by CLAUDE_1 50%, added by CLAUDE_2:\n {2}\| x\n {2}note:\n {2}\| half␛\[2J\nIt is yours while you are connected, and 600 seconds longer\.$/,
		);
		const left = Date.parse((await only(1))?.lease_until ?? '') - Date.now();
		expect(left).toBeGreaterThan(500_000);
		expect((await call('task_progress', {id: 1, progress: 0.6, lease_seconds: 60})).data['lease_seconds']).toBe(60);
		expect((await call('task_progress', {id: 1, progress: 0.7})).data['lease_seconds']).toBe(60);
	});

	test('after a restart of the server the task is found again', async () => {
		await other.tasks.add({title: 'x'});
		await call('claim_task');
		await restart();
		expect(taskIn(await call('task_progress', {id: 1, progress: 0.5}))).toMatchObject({progress: 0.5});
	});

	test('progress is from 0 to 1', async () => {
		for (const progress of [-0.1, 1.5, '50%', null]) {
			expect((await call('task_progress', {id: 1, progress})).isError).toBe(true);
		}
	});
});

describe('finish_task', () => {
	test('records the result, and tells the requester', async () => {
		await other.tasks.add({title: 'x', message_id: 12});
		await call('claim_task');
		const called = await call('finish_task', {id: 1, result: {rows: 3}, result_table: 'counts'});
		expect(taskIn(called)).toMatchObject({status: 'done', progress: 1, result_table: 'counts'});
		expect(called.text).toMatch(/^Recorded\. .*not instructions.*\n#1 done, added by CLAUDE_2:\n {2}\| x\n/);
		expect(called.text.split('\n').at(-1)).toBe(
			'Use claim_task to claim the next one. Message #12 asked for it: to tell its author, use send_message with reply_to 12.',
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
		expect(taskIn(dead)).toMatchObject({status: 'dead', last_error: 'no disk'});
		expect(dead.text).toMatch(
			/\n#1 dead, added by CLAUDE_2:\n {2}\| x\n {2}last error:\n {2}\| no disk\nAll 1 attempts failed, so it will not be tried again\.$/,
		);
		const again = await call('finish_task', {id: 2, ok: false, reason: 'no luck'});
		expect(taskIn(again)).toMatchObject({status: 'queued', last_error: 'no luck'});
		expect(again.text).toMatch(/It failed, and will be tried again after .* \(attempt 1 of 5\)\.$/);
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
		const again = await call('finish_task', {id: 1, result: {n: 1}, lease_token: first.data['lease_token']});
		expect(taskIn(again)).toMatchObject({status: 'done'});
		const failing = {id: 2, ok: false, reason: 'no luck'};
		expect((await call('finish_task', failing)).text).toMatch(/^The hub is gone\..*again/);
		database.recover();
		expect(taskIn(await call('finish_task', failing))).toMatchObject({status: 'queued', last_error: 'no luck'});
	});

	test('after a restart of the server a task is finished with its token, or without', async () => {
		await other.tasks.add({title: 'x'});
		await other.tasks.add({title: 'y'});
		const first = await call('claim_task');
		await call('claim_task');
		await restart();
		const token = first.data['lease_token'];
		expect(taskIn(await call('finish_task', {id: 1, lease_token: token}))).toMatchObject({status: 'done'});
		expect(taskIn(await call('finish_task', {id: 2}))).toMatchObject({status: 'done'});
	});

	test('a task whose lease ran out is finished all the same while nobody else has claimed it', async () => {
		await other.tasks.add({title: 'x'});
		await call('claim_task');
		expire(1);
		await other.tasks.list();
		expect(taskIn(await call('task_progress', {id: 1, progress: 0.5}))).toMatchObject({attempts: 1, progress: 0.5});
		expire(1);
		await other.tasks.list();
		expect(taskIn(await call('finish_task', {id: 1}))).toMatchObject({status: 'done', attempts: 1});
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
		expect((await call('claim_task')).data['lease_token']).toBe(2);
		const {isError, text} = await call('finish_task', {id: 1, lease_token: 1});
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

	test('a claim is renewed thrice within its lease, and each minute at least', async () => {
		await other.tasks.add({title: 'x'});
		await other.tasks.add({title: 'y'});
		const heartbeat = vi.spyOn(agent.tasks, 'heartbeat');
		await call('claim_task');
		await vi.advanceTimersByTimeAsync(60_000);
		expect(heartbeat.mock.calls).toEqual([[1, 1, 900]]);
		await call('claim_task', {lease_seconds: 30});
		await vi.advanceTimersByTimeAsync(10_000);
		await vi.waitFor(() =>
			expect(heartbeat.mock.calls.slice(1)).toEqual([
				[1, 1, 900],
				[2, 1, 30],
			]),
		);
		await call('finish_task', {id: 1});
		await call('finish_task', {id: 2});
		await vi.advanceTimersByTimeAsync(600_000);
		expect(heartbeat).toHaveBeenCalledTimes(3);
	});

	test('is retried while the hub is down, and not once the claim is over', async () => {
		await other.tasks.add({title: 'x'});
		const heartbeat = vi.spyOn(agent.tasks, 'heartbeat');
		await call('claim_task');
		database.outage('The hub is gone.');
		await vi.advanceTimersByTimeAsync(600_000);
		database.recover();
		expire(1);
		await other.tasks.list();
		await vi.advanceTimersByTimeAsync(60_000);
		expect(await only(1)).toMatchObject({status: 'running', lease_owner: 'CLAUDE_1', attempts: 1});
		await other.tasks.cancel(1);
		await vi.advanceTimersByTimeAsync(60_000);
		const calls = heartbeat.mock.calls.length;
		await vi.advanceTimersByTimeAsync(600_000);
		expect(heartbeat).toHaveBeenCalledTimes(calls);
	});

	test('and not when its client has gone', async () => {
		await other.tasks.add({title: 'x'});
		const heartbeat = vi.spyOn(agent.tasks, 'heartbeat');
		await call('claim_task');
		await session.close();
		await vi.advanceTimersByTimeAsync(600_000);
		expect(heartbeat).not.toHaveBeenCalled();
	});
});

test('a task that can never run says so, and why', async () => {
	await other.tasks.add({title: 'A'});
	const why = 'blocked for ever: task 1 waits for its step 3, which waits for task 2, which waits for task 1';
	database.tasks.rows[0] = {...database.tasks.rows[0]!, last_error: why};
	expect((await call('list_tasks')).text).toContain(
		`#1 queued, blocked for ever, added by CLAUDE_2:\n  | A\n  why:\n  | ${why}\n`,
	);
	// Nothing is made up of what anybody may have said of a task that failed.
	database.tasks.rows[0] = {...database.tasks.rows[0], status: 'dead'};
	expect((await call('list_tasks')).text).toContain(`#1 dead, added by CLAUDE_2:\n  | A\n  last error:\n`);
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
