import {expect, test} from 'vitest';
import {openDesk, type Called} from '../helpers/mcp.ts';
import {memoryMailbox} from '../helpers/memory-mailbox.ts';
import {MemoryServer} from '../helpers/memory-server.ts';

/** Calls a tool in a mailbox with one open message, seven tasks of which the last is claimed, and three agents. */
async function callWith(
	name: string,
	args: object,
): Promise<Called & {readonly messages: unknown; readonly tasks: unknown}> {
	const database = new MemoryServer();
	for (const tag of ['A', 'B', 'CLAUDE_2']) await memoryMailbox(database, {tag}).touch({});
	const agent = memoryMailbox(database, {tag: 'CLAUDE_1'});
	await memoryMailbox(database, {tag: 'CLAUDE_2'}).post({content: '[CLAUDE_2] @CLAUDE_1 look'});
	await agent.deliver([1], 'test');
	for (let count = 1; count <= 7; count++) await agent.tasks.add({title: `task ${count}`});
	await agent.tasks.claim({id: 7});
	const session = await openDesk('CLAUDE_1', agent);
	const called = await session.call(name, args);
	const messages = (await agent.history({})).map(({content, reply_to}) => ({content, reply_to}));
	const listed = (await agent.tasks.list()).toSorted((one, other) => one.id - other.id);
	const tasks = listed.map(({id, title, body, depends_on, progress}) => ({
		id,
		title,
		body,
		depends_on,
		progress,
	}));
	await session.close();
	return {...called, text: called.text.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/g, 'then'), messages, tasks};
}

test.each<[string, object, object]>([
	['send_message', {to: 'CLAUDE_2', text: 'x'}, {to: ['CLAUDE_2'], text: 'x'}],
	['send_message', {to: '["CLAUDE_2"]', text: 'x'}, {to: ['CLAUDE_2'], text: 'x'}],
	['send_message', {to: ['@CLAUDE_2'], text: 'x'}, {to: ['CLAUDE_2'], text: 'x'}],
	['send_message', {to: null, text: 'x', reply_to: null}, {text: 'x'}],
	['send_message', {to: '', text: 'x', reply_to: ''}, {text: 'x'}],
	['send_message', {to: 'null', text: 'None', reply_to: 'None'}, {text: 'None'}],
	['send_message', {text: 'x', reply_to: '1'}, {text: 'x', reply_to: 1}],
	['send_message', {text: 'x', reply_to: '#1'}, {text: 'x', reply_to: 1}],
	['send_message', {to: 'A, B', text: 'x'}, {to: ['A', 'B'], text: 'x'}],
	['send_message', {to: 'A and B', text: 'x'}, {to: ['A', 'B'], text: 'x'}],
	['send_message', {to: '@A, @CLAUDE_2, and @B', text: 'x'}, {to: ['A', 'CLAUDE_2', 'B'], text: 'x'}],
	['send_message', {to: 'A & B; CLAUDE_2', text: 'x'}, {to: ['A', 'B', 'CLAUDE_2'], text: 'x'}],
	['send_message', {to: ['and'], text: 'x'}, {to: 'and', text: 'x'}],
	['send_message', {to: '[A, B]', text: 'x'}, {to: ['A', 'B'], text: 'x'}],
	['send_message', {to: "['A', '@B']", text: 'x'}, {to: ['A', 'B'], text: 'x'}],
	['send_message', {to: ['A', '', null], text: 'x'}, {to: ['A'], text: 'x'}],
	['send_message', {to: 'everyone', text: 'x'}, {text: 'x'}],
	['send_message', {to: ['@All'], text: 'x'}, {text: 'x'}],
	['send_message', {to: [''], text: 'x', reply_to: 0}, {text: 'x'}],
	['send_message', {text: 'x', reply_to: '0'}, {text: 'x'}],
	['send_message', {text: '12'}, {text: '12'}],
	['send_message', {text: 12}, {text: '12'}],
	['send_message', {text: 'x', wait_for_previous: true}, {text: 'x'}],
	['add_task', {title: 't', body: null, depends_on: '[1, 2]'}, {title: 't', depends_on: [1, 2]}],
	['add_task', {title: 't', depends_on: ['1', 2]}, {title: 't', depends_on: [1, 2]}],
	['add_task', {title: 't', depends_on: 1, priority: '3'}, {title: 't', depends_on: [1], priority: 3}],
	[
		'add_task',
		{title: 't', steps: '[{"title": "a"}, {"title": "b", "body": null}]'},
		{title: 't', steps: [{title: 'a'}, {title: 'b'}]},
	],
	[
		'add_task',
		{title: 't', steps: {title: 'a'}, in_order: 'False'},
		{title: 't', steps: [{title: 'a'}], in_order: false},
	],
	[
		'add_task',
		{title: 't', body: '', queue: '', to: '', steps: [], depends_on: [], parent_id: 0, position: 0, idem_key: ''},
		{title: 't', depends_on: [], position: 0},
	],
	['add_task', {title: 't', to: 'null', queue: 'None'}, {title: 't'}],
	['add_task', {title: 'null', steps: [{title: 'None', body: ''}]}, {title: 'null', steps: [{title: 'None'}]}],
	['check_messages', {after: 0, limit: 0}, {}],
	['finish_task', {id: 7, outcome: '', result: {}, reason: '', result_table: '', token: 0}, {id: 7, result: {}}],
	['list_tasks', {status: null}, {}],
	['list_tasks', {status: 'queued'}, {status: ['queued']}],
	['list_tasks', {status: 'queued,running', mine: 'true'}, {status: ['queued', 'running'], mine: true}],
	['check_messages', {again: 'true'}, {again: true}],
	['ack_message', {ids: '1'}, {ids: [1]}],
	['ack_message', {ids: 1}, {ids: [1]}],
	['ack_message', {ids: '#1 and 1'}, {ids: [1, 1]}],
	['task_progress', {id: '7', token: '1', progress: '0.5'}, {id: 7, token: 1, progress: 0.5}],
	['finish_task', {id: '7', result: '{"rows": 3}'}, {id: 7, result: {rows: 3}}],
	['list_agents', {wait_for_previous: false}, {}],
])('%s with %j is what it means', async (name, sent, means) => {
	const expected = await callWith(name, means);
	expect(expected.isError).toBe(false);
	expect(await callWith(name, sent)).toEqual(expected);
});

test.each<[string, unknown, string]>([
	['send_message', {}, '`text` is missing.'],
	['send_message', {text: null}, '`text` is missing.'],
	['send_message', {text: 'x', too: 'A'}, 'send_message has no argument `too`. Did you mean `to`?'],
	[
		'send_message',
		{text: 'x', recipient: 'A'},
		'send_message has no argument `recipient`. It has: text, to, reply_to, urgent.',
	],
	['send_message', {text: ['x']}, '`text`: Invalid input: expected string, received array.'],
	['send_message', {text: 'x', to: 'not/a/tag'}, '`to[0]`: A tag is a letter,'],
	['send_message', {text: 'x', reply_to: 'the last'}, '`reply_to`: Invalid input: expected number, received string.'],
	['send_message', {text: '', reply_to: 0}, '`text`: Too small'],
	['send_message', {text: 'x', reply_to: -1}, '`reply_to`: Too small'],
	['ack_message', {ids: [0]}, '`ids[0]`: Too small'],
	['send_message', {text: 'x', reply_to: '1.5'}, '`reply_to`: Invalid input: expected int'],
	['add_task', {title: 't', steps: [{}]}, '`steps[0].title` is missing.'],
	['add_task', {title: 't', steps: [{title: 's', note: 'n'}]}, '`steps[0]` has no argument `note`.'],
	['add_task', {title: 't', steps: 'first, second'}, '`steps[0]`: Invalid input: expected object, received string.'],
	['list_tasks', {status: 'open'}, '`status[0]`: Invalid option: expected one of "queued"|"running"'],
	['list_tasks', {limit: '1000', status: 'open'}, '`status[0]`: Invalid option'],
	['add_task', {title: 't', priority: 5000}, '`priority`: Too big: expected number to be <=1000.'],
	['check_messages', {again: 'maybe'}, '`again`: Invalid input: expected boolean, received string.'],
	['finish_task', {id: 7, result: 'it works'}, '`result`: Invalid input: expected record, received string.'],
	['send_mesage', {text: 'x'}, 'There is no tool send_mesage. Did you mean send_message?'],
])('%s with %j is refused, and the sentence says why', async (name, sent, sentence) => {
	const {isError, text, messages, tasks} = await callWith(name, sent as object);
	expect(isError).toBe(true);
	expect(text).toContain(sentence);
	expect(text.length).toBeLessThan(300);
	expect(messages).toHaveLength(1);
	expect(tasks).toHaveLength(7);
});

test.each<[string, object, object, string]>([
	['check_messages', {limit: 100}, {limit: 50}, '`limit` is at most 50, which was used.'],
	['read_thread', {id: 1, limit: 1e300}, {id: 1, limit: 50}, '`limit` is at most 50, which was used.'],
	['search_messages', {query: 'look', limit: 51}, {query: 'look', limit: 50}, '`limit` is at most 50, which was used.'],
	['list_tasks', {limit: '1000'}, {limit: 100}, '`limit` is at most 100, which was used.'],
	[
		'claim_task',
		{lease_seconds: 86_400, id: 0},
		{lease_seconds: 3600},
		'`lease_seconds` is at most 3600, which was used.',
	],
	[
		'claim_task',
		{hold: 100, lease_seconds: 86_400},
		{hold: 20, lease_seconds: 3600},
		'`hold` is at most 20, which was used.\n`lease_seconds` is at most 3600, which was used.',
	],
])('%s with %j is lowered to the maximum, and says so', async (name, sent, means, sentence) => {
	const {text, ...others} = await callWith(name, means);
	expect(others.isError).toBe(false);
	expect(await callWith(name, sent)).toEqual({...others, text: `${text}\n${sentence}`});
});
