import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {createServer, type Server, type ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import {hostname, tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {connectMailbox} from '../../source/gateway/connect.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import {recordedClients} from '../../source/join/clients/client-owner.ts';
import {quotedText} from '../../source/quotation/agent-text.ts';
import {fire as fireAnywhere, hookProgram, placeAgent, type HookEnd} from '../helpers/hook.ts';
import {startTestHub, type TestHub} from '../helpers/hub.ts';
import {signToken} from '../../source/hub/tokens/token.ts';

let hub: TestHub;
const mailboxes = new Map<string, Mailbox>();
let count = 0;
/** A tag of its own for each test. */
let me: string;
let sender: Mailbox;

beforeAll(async () => {
	hub = await startTestHub();
	sender = mailbox('SENDER');
	await sender.touch({});
});
afterAll(async () => {
	await Promise.all([...mailboxes.values()].map(mailbox => mailbox.close()));
	await hub.stop();
});
beforeEach(() => {
	count += 1;
	me = `AGENT_${count}`;
	placeAgent(hub.home, me, {key: hub.anonKey, token: hub.tokenFor(me)});
});

function mailbox(tag: string): Mailbox {
	const opened = connectMailbox({url: hub.url, key: hub.anonKey, token: hub.tokenFor(tag)});
	mailboxes.set(tag, opened);
	return opened;
}

/** In a session of the test's own, unless stdin is to hold something else. */
const fire = (event: string, input: object | string | null = {}, env: NodeJS.ProcessEnv = {}): Promise<HookEnd> => {
	const given = typeof input === 'object' && input !== null ? {session_id: me, ...input} : input;
	return fireAnywhere({home: hub.home, tag: me, event, env, input: given});
};

const post = (text: string) => sender.post({content: `[SENDER] @${me} ${text}`});

const contextOf = ({stdout}: HookEnd): string =>
	(JSON.parse(stdout) as {hookSpecificOutput: {additionalContext: string}}).hookSpecificOutput.additionalContext;

const presence = async () => (await sender.agents()).find(({tag}) => tag === me)?.presence;
const agent = async () => (await sender.agents()).find(({tag}) => tag === me);
const receipt = async (id: number) => (await sender.receipts([id])).find(({reader}) => reader === me);
const log = (): string => readFileSync(join(hub.home, 'logs/hook.log'), 'utf8');
const silence = {code: 0, stdout: '', stderr: ''};

/** By which way it came, as receipts call it. */
const routes: {readonly [event: string]: string} = {
	SessionStart: 'start',
	UserPromptSubmit: 'prompt',
	PostToolBatch: 'tools',
};

describe('handing over', () => {
	test.each(['SessionStart', 'UserPromptSubmit', 'PostToolBatch'])(
		'%s hands over new mail as context, once, and says that it was delivered',
		async event => {
			const {id} = await post('look here');
			const end = await fire(event);
			expect(end).toMatchObject({code: 0, stderr: ''});
			expect(JSON.parse(end.stdout)).toMatchObject({hookSpecificOutput: {hookEventName: event}});
			expect(contextOf(end)).toContain(`#${id} from SENDER (verified)`);
			expect(contextOf(end)).toContain(`  | @${me} look here`);
			expect(await receipt(id)).toMatchObject({state: 'delivered', route: routes[event]});
			expect(await fire(event)).toMatchObject(silence);
		},
	);

	test('two hooks at once never hand over the same message', async () => {
		const sent = await Promise.all(['one', 'two', 'three'].map(post));
		const ends = await Promise.all(Array.from({length: 4}, () => fire('PostToolBatch')));
		const said = ends.map(({stdout}) => stdout).join('');
		for (const {id} of sent) expect(said.split(`#${id} from`)).toHaveLength(2);
	});

	test('a message of 262,144 bytes is cut, with a pointer', async () => {
		const lead = `[SENDER] @${me} `;
		const {id} = await sender.post({content: lead + 'x'.repeat(262_144 - lead.length)});
		const text = contextOf(await fire('UserPromptSubmit'));
		expect(text.length).toBeLessThanOrEqual(10_000);
		expect(text).toMatch(new RegExp(`read_thread with id ${id} and text_from \\d+, or`));
	});

	test.each([
		{client: 'claude', event: 'UserPromptSubmit', size: (text: string) => text.length, max: 10_000},
		{client: 'codex', event: 'UserPromptSubmit', size: (text: string) => Buffer.byteLength(text), max: 10_000},
		{client: 'gemini', event: 'BeforeAgent', size: (text: string) => text.length, max: 10_000},
	])('takes no more than $client can show, and names the rest', async ({client, event, size, max}) => {
		const [tag, session_id] = [me, me];
		const hook = async (): Promise<string> => {
			const more = client === 'claude' ? {} : {client};
			const end = await fireAnywhere({home: hub.home, tag, event, input: {session_id}, ...more});
			return end.stdout === '' ? '' : contextOf(end);
		};
		const bodies = [
			...Array.from({length: 14}, (_, index) => `${index} ${'x'.repeat(1000)}`),
			`${'é'.repeat(9999)}!`,
			// Each of them needs more room than its bytes say.
			...Array.from({length: 2}, () => '\n\u202E'.repeat(400)),
			'the last',
		];
		const sent: number[] = [];
		for (const body of bodies) sent.push((await post(body)).id);
		const shown: number[] = [];
		for (;;) {
			const text = await hook();
			if (text === '') break;
			expect(size(text)).toBeLessThanOrEqual(max);
			// None of them was seen before, however often it was taken.
			expect(text).not.toContain('again (');
			const ids = [...text.matchAll(/^#(\d+) from SENDER/gm)].map(([, id]) => Number(id));
			for (const id of ids) {
				const body = `@${me} ${bodies[sent.indexOf(id)] ?? ''}`;
				// Of one that is longer than all the room, as much as there is room for; it comes alone.
				const isLong = body.length > 9000;
				expect(isLong ? ids : [id]).toEqual([id]);
				expect(text.includes('  (cut: ')).toBe(isLong);
				expect(text).toContain(quotedText(isLong ? body.slice(0, 3000) : body).join('\n'));
			}
			shown.push(...ids);
			const left = sent.filter(id => !shown.includes(id));
			const receipted = await Promise.all(sent.map(receipt));
			expect(receipted.filter(each => each?.state === 'delivered').map(each => each?.message_id)).toEqual(shown);
			const named = left.slice(0, 10).map(id => `#${id}`);
			expect(text).toContain(` answers.${named.length === 0 ? '' : ' '}${named.join(', ')}`);
		}
		expect(shown).toEqual(sent);
	});

	test('control bytes do not get through', async () => {
		await post('\u001B[2J\u202Egone');
		expect(contextOf(await fire('PostToolBatch'))).toContain('␛[2J<U+202E>gone');
	});

	test('a subagent gets nothing: the mail is its principal’s', async () => {
		await post('for the principal');
		expect(await fire('PostToolBatch', {agent_id: 'sub'})).toMatchObject(silence);
		expect(contextOf(await fire('PostToolBatch'))).toContain('for the principal');
	});

	test('if nobody reads the output, nothing counts as delivered', async () => {
		const {id} = await post('lost');
		const child = spawn(process.execPath, [hookProgram, 'PostToolBatch', '--as', me], {
			env: {...process.env, AGENTMUX_HOME: hub.home, AGENTMUX_HOOK_TIMEOUT: '10000'},
			stdio: ['pipe', 'pipe', 'ignore'],
		});
		child.stdout?.destroy();
		child.stdin?.end(JSON.stringify({session_id: 's1'}));
		const [code] = (await once(child, 'exit')) as [number];
		expect(code).toBe(0);
		expect(await receipt(id)).toMatchObject({state: 'taken', attempts: 0, takes: 1, delivered_at: null});
	});
});

describe('a session that is killed', () => {
	/** Ends the time that a client has for what it was handed. */
	const lapse = async () => {
		const response = await fetch(`${hub.url}/rest/v1/receipts?reader=eq.${me}&lease_until=not.is.null`, {
			method: 'PATCH',
			headers: {apikey: hub.serviceRoleKey, 'content-type': 'application/json'},
			body: JSON.stringify({lease_until: '2026-11-23T00:00:00Z'}),
		});
		expect(response.status).toBe(204);
	};
	const next = (event: string) => fire(event, {session_id: 'the next'});

	test('between delivery and acknowledgement: the next one gets the message again in its time, and never once it is acked', async () => {
		const {id} = await post('who does this?');
		expect(contextOf(await fire('UserPromptSubmit', {session_id: 'killed'}))).toContain(`#${id} from`);
		expect(await next('PostToolBatch')).toMatchObject(silence);
		expect((await mailbox(me).inbox(me)).map(message => message.id)).toEqual([id]);
		await lapse();
		expect(contextOf(await next('SessionStart'))).toContain(`#${id} from SENDER`);
		expect(await receipt(id)).toMatchObject({state: 'delivered', attempts: 2});
		await mailbox(me).ack([id], 'mcp');
		await lapse();
		expect(await next('UserPromptSubmit')).toMatchObject(silence);
		expect(await receipt(id)).toMatchObject({state: 'acked', attempts: 2});
	});

	test('in the middle of a hook: the mail that it took comes again when its lease ends', async () => {
		const {id} = await post('taken');
		const child = spawn(process.execPath, [hookProgram, 'PostToolBatch', '--as', me], {
			env: {...process.env, AGENTMUX_HOME: hub.home, AGENTMUX_HOOK_TIMEOUT: '10000'},
			stdio: ['pipe', 'pipe', 'ignore'],
		});
		child.stdin?.end(JSON.stringify({session_id: 'killed'}));
		// Its output has begun; whether its receipt got through makes no difference.
		await once(child.stdout, 'readable');
		child.kill('SIGKILL');
		await once(child, 'exit');
		await lapse();
		expect(contextOf(await next('SessionStart'))).toMatch(new RegExp(`^#${id} from SENDER .*, again \\(2nd\\):$`, 'm'));
		expect((await receipt(id))?.takes).toBe(0);
	});
});

describe('Stop', () => {
	test('keeps the agent going with new mail, and not a second time for the same', async () => {
		const {id} = await post('one thing more');
		const end = await fire('Stop', {stop_hook_active: false});
		expect(Object.keys(JSON.parse(end.stdout) as object)).toEqual(['hookSpecificOutput']);
		expect(contextOf(end)).toContain('one thing more');
		expect(await receipt(id)).toMatchObject({state: 'delivered', route: 'stop'});
		expect(await fire('Stop', {stop_hook_active: true})).toMatchObject(silence);
	});

	test('names once what it was asked and left open, and nothing that was acknowledged or asks nothing', async () => {
		const open = await post('open?');
		const done = await post('done?');
		const told = await post('no question');
		const linked = await post('see https://x.test/list?page=2');
		const chinese = await post('完成了吗？好');
		await fire('UserPromptSubmit');
		await mailbox(me).ack([done.id], 'mcp');
		const reason = contextOf(await fire('Stop', {stop_hook_active: false}));
		expect(reason).toContain(`#${open.id} from SENDER`);
		expect(reason).not.toContain(`#${done.id} `);
		expect(reason).not.toContain(`#${told.id} `);
		expect(reason).not.toContain(`#${linked.id} `);
		expect(reason).toContain(`#${chinese.id} from SENDER`);
		expect(await fire('Stop', {stop_hook_active: true})).toMatchObject(silence);
		await fire('UserPromptSubmit');
		expect(await fire('Stop', {stop_hook_active: false})).toMatchObject(silence);
	});

	test('reminds of nothing that SYSTEM says of tasks, whatever they are called', async () => {
		const {id} = await mailbox(me).tasks.add({title: 'is it ready?', queue: me});
		await sender.tasks.claim({id});
		await sender.tasks.finish(id, 1, {ok: true});
		expect(contextOf(await fire('PostToolBatch'))).toContain(`Task #${id} "is it ready?" is done by SENDER.`);
		expect(await fire('Stop')).toMatchObject(silence);
		expect(await sender.inbox(me)).toEqual([]);
	});

	test('names open mail at the end of a woken turn, although the client says that a hook keeps it going', async () => {
		const {id} = await post('woken for this?');
		await fire('UserPromptSubmit');
		expect(contextOf(await fire('Stop', {stop_hook_active: true}))).toContain(`#${id} from SENDER`);
		expect(await fire('Stop', {stop_hook_active: true})).toMatchObject(silence);
	});

	test('does not keep it going for messages to everyone that were read', async () => {
		await fire('SessionStart');
		await sender.post({content: '[SENDER] for everyone'});
		await fire('PostToolBatch');
		expect(await fire('Stop', {stop_hook_active: false})).toMatchObject(silence);
	});

	test('lets it end after five times, however much mail comes, until the user speaks again', async () => {
		for (let round = 1; round <= 5; round += 1) {
			await post(`again ${round}`);
			expect(contextOf(await fire('Stop', {stop_hook_active: round > 1}))).toContain(`again ${round}`);
		}
		await post('the sixth');
		expect(await fire('Stop', {stop_hook_active: true})).toMatchObject(silence);
		expect(contextOf(await fire('UserPromptSubmit'))).toContain('the sixth');
		await post('anew');
		expect(contextOf(await fire('Stop', {stop_hook_active: false}))).toContain('anew');
	});
});

test('others can see what the agent does', async () => {
	await fire('SessionStart');
	expect(await presence()).toBe('idle');
	await fire('UserPromptSubmit');
	expect(await presence()).toBe('working');
	await fire('PermissionRequest');
	expect(await presence()).toBe('blocked');
	await fire('PostToolBatch');
	expect(await presence()).toBe('working');
	await fire('Stop', {stop_hook_active: false});
	expect(await presence()).toBe('idle');
	await fire('UserPromptSubmit');
	await fire('PermissionRequest', {agent_id: 'its subagent'});
	expect(await presence()).toBe('blocked');
	await fire('StopFailure', {error: 'rate_limit'});
	expect(await presence()).toBe('idle');
	await fire('SessionEnd', {reason: 'other'});
	expect(await presence()).toBe('away');
});

test('an agent that waits for permission is blocked, whatever its subagents do meanwhile, and the other way round', async () => {
	const [one, two] = [{agent_id: 'one'}, {agent_id: 'two'}];
	const steps = [
		['UserPromptSubmit', {}, 'working'],
		['PermissionRequest', {}, 'blocked'],
		['PostToolBatch', one, 'blocked'],
		['Stop', one, 'blocked'],
		['PostToolBatch', {}, 'working'],
		['PermissionRequest', one, 'blocked'],
		['PermissionRequest', two, 'blocked'],
		['PostToolBatch', {}, 'blocked'],
		['PostToolBatch', one, 'blocked'],
		['PostToolBatch', two, 'working'],
		['Stop', {}, 'idle'],
		// One that works in the background after the turn.
		['PermissionRequest', one, 'blocked'],
		['PostToolBatch', one, 'idle'],
	] as const;
	const seen: unknown[] = [];
	for (const [event, input] of steps) {
		await fire(event, input);
		seen.push([event, input, await presence()]);
	}
	expect(seen).toEqual(steps);
});

test('records the process of a client that keeps its key, until its session ends', async () => {
	const state = join(hub.home, 'state');
	const session = `${hostname()}:recorded.sock`;
	const env = {
		CLAUDE_CODE_ENTRYPOINT: 'cli',
		CLAUDE_CODE_MESSAGING_SOCKET: '/tmp/cc-socks/recorded.sock',
		CLAUDE_PID: String(process.pid),
	};
	const recorded = () => recordedClients(state).filter(({tag}) => tag === me);
	const alive = [{session, interactive: true, isServed: false, isAlive: true}];
	// Its first hook may have had no time.
	await fire('UserPromptSubmit', {}, env);
	expect(recorded()).toMatchObject(alive);
	await fire('SessionEnd', {reason: 'clear'}, env);
	await fire('SessionStart', {source: 'clear', session_id: 'the next'}, env);
	expect(recorded()).toMatchObject(alive);
	const ended = String(spawnSync(process.execPath, ['-e', '0']).pid);
	await fire('SessionStart', {}, {...env, CLAUDE_PID: ended});
	expect(recorded()).toMatchObject([{session, isAlive: false}]);
	await fire('SessionEnd', {reason: 'other'}, env);
	expect(recorded()).toEqual([]);
	// This one has another key after /clear.
	await fire('SessionStart', {}, {CLAUDE_CODE_ENTRYPOINT: 'cli', CLAUDE_PID: env.CLAUDE_PID});
	expect(recorded()).toEqual([]);
});

describe('waking', () => {
	const terminal = {CLAUDE_CODE_ENTRYPOINT: 'cli'};
	const bell = () => join(hub.home, 'state/bells', me);

	test('a terminal is told at its start what to watch, and finds it there', async () => {
		const {stdout} = await fire('SessionStart', {}, terminal);
		expect(JSON.parse(stdout)).toEqual({hookSpecificOutput: {hookEventName: 'SessionStart', watchPaths: [bell()]}});
		expect(statSync(bell()).mode & 0o777).toBe(0o600);
		await post('at the start');
		const again = JSON.parse((await fire('SessionStart', {}, terminal)).stdout) as {hookSpecificOutput: object};
		// It is rung for: nobody would ask its model to read what was handed over here.
		expect(Object.keys(again.hookSpecificOutput)).toEqual(['hookEventName', 'watchPaths']);
		expect(await agent()).toMatchObject({presence: 'idle', wake: 'bell'});
	});

	test('a session that begins is told what its agent has claimed, in one line, and nothing if that is nothing', async () => {
		const tasks = mailbox(me).tasks;
		const {id} = await sender.tasks.add({title: 'x', queue: me});
		await tasks.claim({id});
		await tasks.progress(id, 1, 0.7, 'half of it');
		const line = `${me} holds #${id} (70%). claim_task shows what is held on the agentmux task board.`;
		expect(contextOf(await fire('SessionStart', {}, terminal))).toBe(line);
		await post('look here');
		expect(contextOf(await fire('SessionStart', {}))).toMatch(
			new RegExp(`^${line.replaceAll(/[().]/g, '.')}\n\n1 new message`),
		);
		await tasks.finish(id, 1, {ok: true});
		expect(JSON.parse((await fire('SessionStart', {}, terminal)).stdout)).toEqual({
			hookSpecificOutput: {hookEventName: 'SessionStart', watchPaths: [bell()]},
		});
	});

	test('a terminal that is compacted in the middle of a turn goes on with its mail, and works', async () => {
		await fire('SessionStart', {source: 'startup'}, terminal);
		await fire('UserPromptSubmit', {prompt: 'go'}, terminal);
		await post('in the middle');
		expect(contextOf(await fire('SessionStart', {source: 'compact'}, terminal))).toContain('in the middle');
		expect(await agent()).toMatchObject({presence: 'working'});
		await fire('Stop', {}, terminal);
		await post('when it is idle');
		expect(JSON.parse((await fire('SessionStart', {source: 'compact'}, terminal)).stdout)).toEqual({
			hookSpecificOutput: {hookEventName: 'SessionStart', watchPaths: [bell()]},
		});
	});

	test('a terminal that changed its folder is told again what to watch, with no mailbox to ask', async () => {
		me = `${me}_NOWHERE`;
		expect(JSON.parse((await fire('CwdChanged', {new_cwd: '/elsewhere'}, terminal)).stdout)).toEqual({
			hookSpecificOutput: {hookEventName: 'CwdChanged', watchPaths: [bell()]},
		});
		expect(statSync(bell()).isFile()).toBe(true);
		expect(await fire('CwdChanged')).toMatchObject(silence);
	});

	test('a run without a user has no mail and is not kept going, unless it is asked to take part', async () => {
		const script = {CLAUDE_CODE_ENTRYPOINT: 'sdk-cli', CLAUDE_CODE_SESSION_ATTENDED: '0'};
		const {id} = await post('waits?');
		for (const event of ['SessionStart', 'UserPromptSubmit', 'PostToolBatch', 'Stop', 'FileChanged', 'SessionEnd'])
			expect(await fire(event, {file_path: bell()}, script)).toMatchObject(silence);
		expect(await receipt(id)).toBeUndefined();
		expect(await agent()).toBeUndefined();
		const asked = await fire('SessionStart', {}, {...script, AGENTMUX_TAG: me});
		expect(contextOf(asked)).toContain('waits?');
		expect(asked.stdout).not.toContain('watchPaths');
	});

	test('a run without a user that is asked to take part leaves the mail to whoever sits at a terminal', async () => {
		const clients = join(hub.home, 'state/clients');
		mkdirSync(clients, {recursive: true});
		const record = {tag: me, pid: process.pid, session: 'a terminal', interactive: true};
		writeFileSync(join(clients, `any.${me}.json`), JSON.stringify(record));
		await post('for the terminal');
		const asked = {CLAUDE_CODE_ENTRYPOINT: 'sdk-cli', AGENTMUX_TAG: me};
		expect(await fire('SessionStart', {}, asked)).toMatchObject(silence);
		rmSync(join(clients, `any.${me}.json`));
		expect(contextOf(await fire('UserPromptSubmit', {}, asked))).toContain('for the terminal');
	});

	test('a run without a user in the shell of one that is asked to take part leaves the mail to that one', async () => {
		const clients = join(hub.home, 'state/clients');
		mkdirSync(clients, {recursive: true});
		const record = {tag: me, pid: process.pid, session: `${hostname()}:outer.sock`, interactive: false};
		writeFileSync(join(clients, `any.${me}.json`), JSON.stringify(record));
		await post('for the outer one');
		const of = (name: string) => ({
			CLAUDE_CODE_ENTRYPOINT: 'sdk-cli',
			CLAUDE_CODE_MESSAGING_SOCKET: `/tmp/cc-socks/${name}.sock`,
			AGENTMUX_TAG: me,
		});
		const inner = {...of('inner'), CLAUDE_CODE_EXECPATH: '/usr/bin/claude'};
		expect(await fire('SessionStart', {}, inner)).toMatchObject(silence);
		expect(contextOf(await fire('UserPromptSubmit', {}, of('outer')))).toContain('for the outer one');
		rmSync(join(clients, `any.${me}.json`));
	});

	test('a run without a user is the agent of its folder that takes part, and not the one whose tag it inherits', async () => {
		const [outer, other] = [`${me}_OUTER`, `${me}_OTHER`];
		for (const tag of [outer, other]) placeAgent(hub.home, tag, {key: hub.anonKey, token: hub.tokenFor(tag)});
		const record = join(hub.home, 'state/clients', `any.${outer}.json`);
		mkdirSync(join(hub.home, 'state/clients'), {recursive: true});
		// The client above is the process of this test.
		const client = {pid: process.pid, start: null};
		const session = `${hostname()}:outer.sock`;
		writeFileSync(record, JSON.stringify({tag: outer, pid: process.pid, client, session, interactive: true}));
		const run = async (shell: NodeJS.ProcessEnv) => {
			const env = {CLAUDE_CODE_ENTRYPOINT: 'sdk-cli', CLAUDE_CODE_SESSION_ID: 'inner', ...shell};
			const input = {session_id: 'inner'};
			const end = await fireAnywhere({
				home: hub.home,
				tag: me,
				event: 'UserPromptSubmit',
				env,
				input,
				flags: ['--headless'],
			});
			return end.stdout === '' ? '' : contextOf(end);
		};
		const shell = {CLAUDE_CODE_EXECPATH: '/usr/bin/claude'};
		await sender.post({content: `[SENDER] @${other} for the other`});
		await post('first');
		expect(await run({...shell, AGENTMUX_TAG: other})).toContain('for the other');
		expect(await run({...shell, AGENTMUX_TAG: outer})).toContain('first');
		await post('second');
		expect(await run({CODEX_THREAD_ID: '1', AGENTMUX_TAG: outer})).toContain('second');
		rmSync(record);
	});

	test('the watched file wakes the client if mail is waiting, names the senders, and hands nothing over', async () => {
		const changed = {file_path: bell(), event: 'change'};
		await fire('SessionStart', {}, terminal);
		expect(await fire('FileChanged', changed, terminal)).toMatchObject(silence);
		const {id} = await post('wake up');
		expect(await fire('FileChanged', {...changed, file_path: '/elsewhere'}, terminal)).toMatchObject(silence);
		expect(await fire('FileChanged', changed, terminal)).toMatchObject({
			code: 2,
			stdout: '',
			stderr: `1 new message for ${me} in the agentmux mailbox, from SENDER (#${id}).\n`,
		});
		expect(await receipt(id)).toBeUndefined();
		const prompt = `<task-notification>\n1 new message for ${me} in the agentmux mailbox, from SENDER (#${id}).\n`;
		expect(contextOf(await fire('UserPromptSubmit', {prompt}, terminal))).toContain('wake up');
		expect(await receipt(id)).toMatchObject({state: 'delivered', route: 'wake'});
		expect(await fire('FileChanged', changed, terminal)).toMatchObject(silence);
	});
});

describe('what was handed over', () => {
	test('is read when a batch of tools has ended since, and is not handed over again by the clock', async () => {
		const {id} = await post('read this');
		await fire('UserPromptSubmit');
		expect(await receipt(id)).toMatchObject({state: 'delivered'});
		await fire('PostToolBatch', {tool_calls: [{tool_name: 'Bash'}]});
		expect(await receipt(id)).toMatchObject({state: 'read', lease_until: null});
		expect((await mailbox(me).inbox(me)).map(message => message.id)).toEqual([id]);
	});

	test('is read when the turn has ended', async () => {
		const {id} = await post('read this');
		await fire('PostToolBatch');
		await fire('Stop');
		expect(await receipt(id)).toMatchObject({state: 'read'});
	});

	test.each([
		['the call of the model fails', 'StopFailure', {}],
		['the session ends', 'SessionEnd', {reason: 'other'}],
		['the session is cleared', 'SessionEnd', {reason: 'clear'}],
	])('is given back if %s, and handed over again', async (_, event, input) => {
		const {id} = await post('not read');
		await fire('UserPromptSubmit');
		await fire(event, input);
		expect(await receipt(id)).toMatchObject({state: 'taken', delivered_at: expect.any(String) as string});
		const {stdout} = await fire('UserPromptSubmit');
		expect(stdout).toMatch(new RegExp(`#${id} from SENDER [^\\n]*again \\(2nd\\):`));
		await fire('Stop');
		expect(await receipt(id)).toMatchObject({state: 'read', attempts: 2});
	});

	test('is noted as missed if a hook gave up, with the lease that it may have left', async () => {
		await post('waits');
		await fire('PostToolBatch', {}, {AGENTMUX_HOOK_TIMEOUT: '30'});
		const name = readdirSync(join(hub.home, 'state/bells')).find(each => each.startsWith(`${me}.`));
		expect(name).toMatch(/\.missed$/);
		expect(readFileSync(join(hub.home, 'state/bells', name ?? ''), 'utf8')).toMatch(/^\{"event":"PostToolBatch"/);
	});
});

describe('two clients under one tag', () => {
	const one = {CLAUDE_CODE_MESSAGING_SOCKET: '/tmp/cc-socks/1.sock'};
	const other = {CLAUDE_CODE_MESSAGING_SOCKET: '/tmp/cc-socks/2.sock'};

	test('are both told, once, and counted; each ends for itself', async () => {
		expect(await fire('SessionStart', {session_id: 'one'}, one)).toMatchObject(silence);
		expect(contextOf(await fire('SessionStart', {session_id: 'other'}, other))).toContain(
			`Another client is currently using the tag ${me} in the agentmux mailbox`,
		);
		expect(await agent()).toMatchObject({sessions: 2});
		expect(contextOf(await fire('UserPromptSubmit', {session_id: 'one'}, one))).toContain(
			'Another client is currently using',
		);
		expect(await fire('UserPromptSubmit', {session_id: 'one'}, one)).toMatchObject(silence);
		await fire('SessionEnd', {session_id: 'other'}, other);
		expect(await agent()).toMatchObject({sessions: 1, presence: 'working'});
		expect(await fire('UserPromptSubmit', {session_id: 'one'}, one)).toMatchObject(silence);
		expect(contextOf(await fire('SessionStart', {session_id: 'third'}, other))).toContain(
			'Another client is currently using',
		);
	});

	test('a cleared session is the same client', async () => {
		await fire('SessionStart', {session_id: 'before'}, one);
		await fire('SessionEnd', {session_id: 'before', reason: 'clear'}, one);
		expect(await fire('SessionStart', {session_id: 'after', source: 'clear'}, one)).toMatchObject(silence);
		expect(await agent()).toMatchObject({sessions: 1, presence: 'idle'});
	});
});

describe('on any error, it exits 0, says nothing to the model, and logs it for the human', () => {
	test.each([
		['nothing', ''],
		['garbage', 'not JSON {'],
		['JSON of another kind', '[1, 2]'],
		['no session', '{"hook_event_name": "Stop"}'],
	])('%s on stdin', async (_, input) => {
		await post('waits');
		expect(await fire('Stop', input)).toMatchObject(silence);
		expect(log()).toMatch(new RegExp(`Stop --as ${me}: stdin `));
	});

	test('a stdin that is never closed', async () => {
		const env = {AGENTMUX_HOOK_TIMEOUT: ''};
		const end = await fireAnywhere({home: hub.home, tag: me, event: 'PostToolBatch', input: null, env});
		expect(end).toMatchObject(silence);
		expect(log()).toContain(`PostToolBatch --as ${me}: gave up after`);
	});

	test.each([
		['an expired token', {exp: 1}, /status 401: JWT expired/],
		['a token that names nobody', {app_metadata: {}}, /status 403: this token does not name an agent/],
	])('%s', async (_, claims, expected) => {
		const whole = {role: 'authenticated', app_metadata: {agent_tag: me, kind: 'agent'}, ...claims};
		placeAgent(hub.home, me, {key: hub.anonKey, token: signToken(hub.jwtSecret, whole)});
		expect(await fire('UserPromptSubmit')).toMatchObject(silence);
		expect(log()).toMatch(expected);
	});

	test('a token of another hub', async () => {
		placeAgent(hub.home, me, {key: hub.anonKey, token: signToken('other', {role: 'authenticated'})});
		expect(await fire('Stop')).toMatchObject(silence);
		expect(log()).toMatch(new RegExp(`Stop --as ${me}: hook_take was refused with status 401`));
	});

	test('an agent that was revoked', async () => {
		await fire('SessionStart');
		const response = await fetch(`${hub.url}/rest/v1/agents?tag=eq.${me}`, {
			method: 'PATCH',
			headers: {apikey: hub.serviceRoleKey, 'content-type': 'application/json'},
			body: JSON.stringify({revoked_at: '2026-11-23T00:00:00Z'}),
		});
		expect(response.status).toBe(204);
		expect(await fire('Stop')).toMatchObject(silence);
		expect(log()).toContain(`${me} has been revoked`);
	});

	test('an agent that has not joined, and an unknown event', async () => {
		me = 'NOBODY';
		expect(await fire('Stop')).toMatchObject(silence);
		expect(log()).toContain('NOBODY has not joined here: run `agentmux join NOBODY` in its folder');
		expect(await fire('Nonsense')).toMatchObject(silence);
		expect(log()).toContain('unknown event `Nonsense`');
	});

	test('a log that is full is restarted', async () => {
		const path = join(hub.home, 'logs/hook.log');
		writeFileSync(path, 'x'.repeat(70_000));
		await fire('Nonsense');
		await fire('Nonsense');
		expect(statSync(path).size).toBeLessThan(1000);
		expect(statSync(`${path}.1`).size).toBeGreaterThan(70_000);
	});
});

test('fifty messages are handed over exactly once each, though the hub is killed in between', async () => {
	const home = mkdtempSync(join(tmpdir(), 'agentmux-hook-'));
	let own = await startTestHub({home});
	const post = async (from: number, to: number) => {
		const mailbox = connectMailbox({url: own.url, key: own.anonKey, token: own.tokenFor('SENDER')});
		for (let n = from; n < to; n += 1) await mailbox.post({content: `[SENDER] @READER number ${n}.`});
		await mailbox.close();
	};
	placeAgent(home, 'READER', {key: own.anonKey, token: own.tokenFor('READER')});
	const heard: string[] = [];
	const fireHere = async (event: string) => {
		const {stdout, code} = await fireAnywhere({home, tag: 'READER', event});
		expect(code).toBe(0);
		for (const [, n] of stdout.matchAll(/ number (\d+)\./g)) heard.push(n ?? '');
	};
	await post(0, 25);
	await fireHere('SessionStart');
	const dying = [fireHere('PostToolBatch'), own.kill()];
	await Promise.all(dying);
	await fireHere('PostToolBatch');
	own = await startTestHub({home});
	await post(25, 50);
	// What was leased to a hook that the hub did not survive is free again after 30 seconds.
	const response = await fetch(`${own.url}/rest/v1/receipts?state=eq.taken`, {
		method: 'PATCH',
		headers: {apikey: own.serviceRoleKey, 'content-type': 'application/json'},
		body: JSON.stringify({lease_until: '2026-11-23T00:00:00Z'}),
	});
	expect(response.status).toBe(204);
	for (let round = 0; round < 5; round += 1) await fireHere('UserPromptSubmit');
	expect(heard.toSorted()).toEqual(Array.from({length: 50}, (_, n) => String(n)).sort());
	await own.stop();
	// Two hubs start one after the other here, and a busy machine takes 25 seconds for each.
}, 120_000);

describe('another server than this hub', () => {
	let home: string;
	let server: Server;
	let answer: (path: string, body: string) => Promise<{status: number; text: string}>;
	const asked: string[] = [];
	beforeAll(async () => {
		home = mkdtempSync(join(tmpdir(), 'agentmux-hook-'));
		server = createServer((request, response) => {
			let body = '';
			request.on('data', (chunk: Buffer) => (body += chunk.toString()));
			request.on('end', () => {
				asked.push(`${request.url?.split('?')[0] ?? ''} as ${request.headers['x-agentmux-tag']?.toString() ?? ''}`);
				void reply(response, request.url ?? '', body);
			});
		});
		server.listen(0, '127.0.0.1');
		await once(server, 'listening');
	});
	afterAll(() => {
		server.closeAllConnections();
		server.close();
		rmSync(home, {recursive: true, force: true});
	});
	async function reply(response: ServerResponse, path: string, body: string): Promise<void> {
		const {status, text} = await answer(path, body);
		response.writeHead(status, {'content-type': 'application/json'});
		response.write(text.slice(0, 1));
		response.end(text.slice(1));
	}
	const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	const fireThere = (event: string, env: NodeJS.ProcessEnv = {}) => fireAnywhere({home, tag: 'FAR', event, env});
	const logThere = () => readFileSync(join(home, 'logs/hook.log'), 'utf8');
	const row = (id: number) => ({
		id,
		tag: 'SENDER',
		content: '[SENDER] hello',
		client_id: null,
		signature: null,
		mentions: [],
		reply_to: null,
		author_tag: null,
		author_kind: null,
		verified: false,
		created_at: '2026-11-23T10:00:00Z',
	});

	test('a hub that is not running', async () => {
		placeAgent(home, 'FAR', {key: 'k', token: 't'});
		const {code, stdout} = await fireThere('SessionStart');
		expect(code).toBe(0);
		// Once a session, and to the human alone.
		expect(Object.keys(JSON.parse(stdout) as object)).toEqual(['systemMessage']);
		const terminal = await fireThere('SessionStart', {CLAUDE_CODE_ENTRYPOINT: 'cli'});
		expect(JSON.parse(terminal.stdout)).toMatchObject({
			systemMessage: expect.stringContaining('the hub is not running') as string,
			hookSpecificOutput: {hookEventName: 'SessionStart', watchPaths: [join(home, 'state/bells/FAR')]},
		});
		expect(await fireThere('UserPromptSubmit')).toMatchObject(silence);
		expect(logThere()).toContain('the hub is not running');
		mkdirSync(join(home, 'state'), {recursive: true});
		const dead = {pid: process.pid, url: 'http://127.0.0.1:9', socket: null, proof_key: 'k'};
		writeFileSync(join(home, 'state/hub.json'), JSON.stringify(dead));
		expect(await fireThere('Stop')).toMatchObject(silence);
		expect(logThere()).toContain('ECONNREFUSED');
	});

	test('gives up on a hub that does not respond within 300 ms of its time', async () => {
		placeAgent(home, 'FAR', {key: 'k', token: 't', url: url()});
		answer = () => new Promise(() => undefined);
		expect(await fireThere('PostToolBatch', {AGENTMUX_HOOK_TIMEOUT: ''})).toMatchObject(silence);
		const [, took = '999'] = /gave up after (\d+) ms/.exec(logThere()) ?? [];
		expect(Number(took)).toBeGreaterThan(200);
	});

	test.each([
		[
			'of another version',
			404,
			'{"code":"PGRST202","message":"Could not find the function"}',
			/status 404: Could not find/,
		],
		['that talks nonsense', 200, '<html>', /not JSON/],
		['with rows of another shape', 200, '[{"id":"seven"}]', /^/],
	])('a server %s', async (_, status, text, expected) => {
		placeAgent(home, 'FAR', {key: 'k', token: 't', url: url()});
		answer = async () => ({status, text});
		expect(await fireThere('PostToolBatch')).toMatchObject(silence);
		expect(logThere()).toMatch(expected);
	});

	test('a project that the environment names is asked with its key, as the tag', async () => {
		asked.length = 0;
		answer = async path => ({
			status: 200,
			text: path.includes('hook_take') ? JSON.stringify({messages: [row(1)]}) : '1',
		});
		const env = {SUPABASE_URL: `${url()}/`, SUPABASE_SECRET_KEY: 'sb_secret_x'};
		expect(contextOf(await fireThere('PostToolBatch', env))).toContain('#1 from SENDER (unverified');
		expect(asked).toEqual([
			'/rest/v1/rpc/hook_take as FAR',
			'/rest/v1/rpc/inbox as FAR',
			'/rest/v1/rpc/receipt_deliver as FAR',
		]);
	});

	test('a database of an earlier version, without hook_take, hands over mail all the same', async () => {
		answer = async path => {
			if (path.includes('hook_take')) return {status: 404, text: '{"code":"PGRST202","message":"no such function"}'};
			return {status: 200, text: path.includes('inbox_take') ? JSON.stringify([row(3)]) : '1'};
		};
		placeAgent(home, 'FAR', {key: 'k', token: 't', url: url()});
		expect(contextOf(await fireThere('PostToolBatch'))).toContain('#3 from');
	});

	test('a receipt that did not get through is sent by the next hook, and the message not told again', async () => {
		const receipts: string[] = [];
		let refuses = true;
		answer = async (path, body) => {
			if (path.includes('hook_take')) return {status: 200, text: JSON.stringify({messages: [row(9)]})};
			if (path.includes('rpc/inbox')) return {status: 200, text: '[]'};
			receipts.push(body);
			return refuses ? {status: 500, text: '{"message":"no"}'} : {status: 200, text: '1'};
		};
		placeAgent(home, 'FAR', {key: 'k', token: 't', url: url()});
		expect(contextOf(await fireThere('PostToolBatch'))).toContain('#9 from');
		refuses = false;
		expect(await fireThere('PostToolBatch')).toMatchObject(silence);
		const receipt = {p_ids: [9], p_route: 'tools', p_session: `${hostname()}:s1`};
		expect(receipts.map(body => JSON.parse(body) as unknown)).toEqual([receipt, receipt]);
	});
});
