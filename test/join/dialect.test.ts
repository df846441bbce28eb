import {hostname} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {connectMailbox} from '../../source/gateway/connect.ts';
import {formatAnswer, clientIn, parseEvent} from '../../source/join/clients/dialect.ts';
import {readInput} from '../../source/join/hook/hook-input.ts';
import {sessionsBelow} from '../../source/join/hook/hook-session.ts';
import {isMailText, type Mail} from '../../source/join/hook/mail.ts';
import {hookRoom} from '../../source/join/clients/hook-room.ts';
import {mailText, openText} from '../../source/join/hook/mail-text.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import {fire as fireAnywhere, placeAgent} from '../helpers/hook.ts';
import {startTestHub, type TestHub} from '../helpers/hub.ts';

const input = (more: object) => readInput(JSON.stringify({session_id: 's', ...more}));
const mail: Mail = {
	id: 1,
	tag: 'SENDER',
	body: 'hello',
	mentions: ['ME'],
	reply_to: null,
	author_tag: 'SENDER',
	author_kind: 'agent',
	verified: true,
	signed: false,
	created_at: '2026-11-25T10:00:00Z',
};

describe('events of clients', () => {
	test('is Claude Code where join wrote no client, and never an unknown one', () => {
		expect(clientIn(['Stop', '--as', 'ME'])).toBe('claude');
		expect(clientIn(['Stop', '--as', 'ME', '--client', 'codex'])).toBe('codex');
		for (const word of ['other', 'toString', '']) {
			expect(() => clientIn(['Stop', '--client', word])).toThrow(`unknown client \`${word}\``);
		}
		expect(() => clientIn(['--client'])).toThrow('unknown client ``');
	});

	test.each([
		['codex', 'PostToolUse', 'PostToolBatch'],
		['codex', 'Interrupt', 'StopFailure'],
		['claude', 'FileChanged', 'FileChanged'],
		['gemini', 'BeforeAgent', 'UserPromptSubmit'],
		['gemini', 'AfterTool', 'PostToolBatch'],
		['gemini', 'AfterAgent', 'Stop'],
	] as const)("of %s's %s is our %s", (client, theirs, event) => {
		expect(parseEvent(client, theirs, input({}))).toEqual({event, input: input({})});
	});

	test.each([
		['claude', 'AfterTool'],
		['claude', 'Interrupt'],
		['codex', 'PostToolBatch'],
		['codex', 'Notification'],
		['gemini', 'Stop'],
		['gemini', 'toString'],
	] as const)('has no %s event %s', (client, theirs) => {
		expect(() => parseEvent(client, theirs, input({}))).toThrow(`unknown event \`${theirs}\``);
	});

	test('tells which tools of Gemini CLI are subagents', () => {
		const starting = input({tool_name: 'invoke_agent'});
		expect(parseEvent('gemini', 'BeforeTool', starting)).toEqual({event: 'SubagentStart', input: starting});
		expect(parseEvent('gemini', 'AfterTool', starting)).toEqual({event: 'SubagentStop', input: starting});
		expect(parseEvent('gemini', 'BeforeTool', input({tool_name: 'read_file'}))).toBeNull();
		expect(parseEvent('gemini', 'AfterTool', input({tool_name: 'read_file'}))?.event).toBe('PostToolBatch');
		expect(parseEvent('codex', 'PostToolUse', starting)?.event).toBe('PostToolBatch');
	});

	test('tells which notification of Gemini CLI asks for permission', () => {
		const asking = input({notification_type: 'ToolPermission'});
		expect(parseEvent('gemini', 'Notification', asking)).toEqual({event: 'PermissionRequest', input: asking});
		expect(parseEvent('gemini', 'Notification', input({notification_type: 'Other'}))).toBeNull();
		expect(parseEvent('gemini', 'Notification', input({}))).toBeNull();
	});

	test("does not take a prompt that our own hook gave Gemini CLI for the user's", () => {
		const texts = [[mail], [mail, mail]].map(all => mailText('ME', all, {rest: null, room: hookRoom('gemini')}).text);
		texts.push(openText('ME', [mail]), openText('ME', [mail, mail]));
		for (const prompt of texts) {
			expect(isMailText(prompt)).toBe(true);
			expect(parseEvent('gemini', 'BeforeAgent', input({prompt}))?.event).toBe('PostToolBatch');
			expect(parseEvent('codex', 'UserPromptSubmit', input({prompt}))?.event).toBe('UserPromptSubmit');
		}
		for (const prompt of ['', 'go on', `<hook_context>${texts[0]}</hook_context>\n\ngo on`, '1 new message for me?']) {
			expect(parseEvent('gemini', 'BeforeAgent', input({prompt}))?.event).toBe('UserPromptSubmit');
		}
	});
});

describe('an answer', () => {
	const context = JSON.stringify({hookSpecificOutput: {hookEventName: 'PostToolBatch', additionalContext: 'x'}});

	test("has the client's name of the event", () => {
		expect(formatAnswer('claude', 'PostToolBatch', context)).toBe(context);
		for (const [client, event] of [
			['codex', 'PostToolUse'],
			['gemini', 'AfterTool'],
		] as const) {
			expect(JSON.parse(formatAnswer(client, event, context))).toEqual({
				hookSpecificOutput: {hookEventName: event, additionalContext: 'x'},
			});
		}
	});

	test('has no field that is unknown to the client, for which Codex would reject it', () => {
		const more = {decision: 'block', reason: 'mail', systemMessage: 'm', watchPaths: ['/x']};
		const rich = JSON.stringify({...more, hookSpecificOutput: {hookEventName: 'Stop', watchPaths: ['/x']}});
		const plain = {decision: 'block', reason: 'mail', systemMessage: 'm'};
		expect(JSON.parse(formatAnswer('codex', 'Stop', rich))).toEqual(plain);
		expect(JSON.parse(formatAnswer('gemini', 'AfterAgent', rich))).toEqual(plain);
		expect(formatAnswer('codex', 'SessionStart', '{"hookSpecificOutput":{"watchPaths":["/x"]}}')).toBe('');
	});
});

describe('the built hook', () => {
	let hub: TestHub;
	let sender: Mailbox;
	let me: string;
	let count = 0;
	beforeAll(async () => {
		hub = await startTestHub();
		sender = connectMailbox({url: hub.url, key: hub.anonKey, token: hub.tokenFor('SENDER')});
		await sender.touch({});
	});
	afterAll(async () => {
		await sender.close();
		await hub.stop();
	});
	beforeEach(() => {
		count += 1;
		me = `AGENT_${count}`;
		placeAgent(hub.home, me, {key: hub.anonKey, token: hub.tokenFor(me)});
	});
	const post = (text: string) => sender.post({content: `[SENDER] @${me} ${text}`});
	const presence = async () => (await sender.agents()).find(({tag}) => tag === me)?.presence;

	describe.each([
		{
			client: 'codex',
			events: {
				start: 'SessionStart',
				prompt: 'UserPromptSubmit',
				tool: 'PostToolUse',
				end: 'Stop',
				ask: 'PermissionRequest',
			},
		},
		{
			client: 'gemini',
			events: {start: 'SessionStart', prompt: 'BeforeAgent', tool: 'AfterTool', end: 'AfterAgent', ask: 'Notification'},
		},
	] as const)('started by $client', ({client, events}) => {
		const fire = (event: string, more: object = {}) =>
			fireAnywhere({home: hub.home, tag: me, event, client, input: more});

		test('hands over mail at the start, with a prompt and between tools, each once', async () => {
			for (const [event, route] of [
				[events.start, 'start'],
				[events.prompt, 'prompt'],
				[events.tool, 'tools'],
			] as const) {
				const {id} = await post(`at ${event}`);
				const end = await fire(event, {prompt: 'go', tool_name: 'x', tool_response: 'y'});
				expect(end).toMatchObject({code: 0, stderr: ''});
				expect(JSON.parse(end.stdout)).toEqual({
					hookSpecificOutput: {
						hookEventName: event,
						additionalContext: expect.stringContaining(`  | @${me} at ${event}`),
					},
				});
				expect(await sender.receipts([id])).toMatchObject([{reader: me, state: 'delivered', route}]);
				expect(await fire(event)).toMatchObject({code: 0, stdout: ''});
			}
		});

		test('keeps the agent going at its end, five times at most until the user speaks', async () => {
			for (let round = 1; round <= 5; round += 1) {
				await post(`round ${round}`);
				const {stdout} = await fire(events.end, {stop_hook_active: round > 1});
				const {decision, reason} = JSON.parse(stdout) as {decision: string; reason: string};
				expect(decision).toBe('block');
				expect(reason).toContain(`round ${round}`);
				// What Gemini CLI hands to its model next is no prompt of the user's.
				const told = client === 'gemini' ? await fire(events.prompt, {prompt: reason}) : null;
				expect(told?.stdout ?? '').toBe('');
			}
			await post('the sixth');
			expect(await fire(events.end, {stop_hook_active: true})).toMatchObject({code: 0, stdout: ''});
			expect((await fire(events.prompt, {prompt: 'go on'})).stdout).toContain('the sixth');
			await post('anew');
			expect((await fire(events.end, {stop_hook_active: false})).stdout).toContain('anew');
		});

		test('shows others what the agent does', async () => {
			await fire(events.start);
			expect(await presence()).toBe('idle');
			await fire(events.prompt, {prompt: 'go'});
			expect(await presence()).toBe('working');
			await fire(events.ask, client === 'gemini' ? {notification_type: 'ToolPermission'} : {tool_name: 'Bash'});
			expect(await presence()).toBe('blocked');
			await fire(events.tool);
			expect(await presence()).toBe('working');
			await fire(events.end, {stop_hook_active: false});
			expect(await presence()).toBe('idle');
			await fire('SessionEnd');
			expect(await presence()).toBe('away');
		});
	});

	test('sees that Codex was interrupted, which leaves nothing to ask for', async () => {
		const fire = (event: string) => fireAnywhere({home: hub.home, tag: me, event, client: 'codex'});
		await fire('UserPromptSubmit');
		await fire('PermissionRequest');
		await post('not now');
		expect(await fire('Interrupt')).toMatchObject({code: 0, stdout: ''});
		expect(await presence()).toBe('idle');
		expect((await fire('UserPromptSubmit')).stdout).toContain('not now');
		expect(await presence()).toBe('working');
	});

	test('gives the subagents of Gemini CLI nothing, until the last of them has ended or the user speaks', async () => {
		const fire = (event: string, tool?: string) =>
			fireAnywhere({home: hub.home, tag: me, event, client: 'gemini', input: {tool_name: tool, prompt: 'go'}});
		await fire('BeforeTool', 'invoke_agent');
		await fire('BeforeTool', 'invoke_agent');
		await post('for the principal');
		expect((await fire('AfterTool', 'read_file')).stdout).toBe('');
		expect((await fire('AfterTool', 'invoke_agent')).stdout).toBe('');
		expect((await fire('AfterTool', 'read_file')).stdout).toBe('');
		const {stdout} = await fire('AfterTool', 'invoke_agent');
		expect(JSON.parse(stdout)).toMatchObject({hookSpecificOutput: {hookEventName: 'AfterTool'}});
		expect(stdout).toContain('for the principal');
		// One that the user refused never ends.
		await fire('BeforeTool', 'invoke_agent');
		await fire('BeforeAgent');
		await post('after the prompt');
		expect((await fire('AfterTool', 'read_file')).stdout).toContain('after the prompt');
	});

	test('shows that Gemini CLI waits for permission only as long as it does, also while subagents run', async () => {
		const ask = {notification_type: 'ToolPermission'};
		const start = {tool_name: 'invoke_agent'};
		const steps = [
			['BeforeAgent', {prompt: 'go'}, 'working'],
			// For the subagent itself, then for one of its tools.
			['Notification', ask, 'blocked'],
			['BeforeTool', start, 'working'],
			['Notification', ask, 'blocked'],
			['AfterTool', {tool_name: 'read_file'}, 'working'],
			['Notification', ask, 'blocked'],
			['AfterTool', start, 'working'],
		] as const;
		const seen: unknown[] = [];
		for (const [event, input] of steps) {
			await fireAnywhere({home: hub.home, tag: me, event, client: 'gemini', input});
			seen.push([event, input, await presence()]);
		}
		expect(seen).toEqual(steps);
	});

	test('records the processes above it, one of which is the client, until the session ends', async () => {
		const fire = (event: string) => fireAnywhere({home: hub.home, tag: me, event, client: 'codex'});
		const below = () => sessionsBelow(join(hub.home, 'state'), me.toLowerCase(), process.pid);
		await fire('UserPromptSubmit');
		expect(below().map(session => session.read().owner)).toMatchObject([{session: `${hostname()}:s1`, client: null}]);
		await fire('SessionEnd');
		expect(below()).toEqual([]);
	});

	test('gives a subagent of Codex nothing', async () => {
		await post('for the principal');
		const event = {home: hub.home, tag: me, event: 'PostToolUse', client: 'codex'};
		expect(await fireAnywhere({...event, input: {agent_id: 'sub'}})).toMatchObject({code: 0, stdout: ''});
		expect((await fireAnywhere(event)).stdout).toContain('for the principal');
	});
});
