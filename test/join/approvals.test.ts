import {mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, onTestFinished, test, vi} from 'vitest';
import type {Approval} from '../../source/mailbox/approval.ts';
import {fire, type HookEnd} from '../helpers/hook.ts';
import {cli, Home} from '../helpers/program.ts';
import {spawn, type TestTerminal} from '../helpers/terminal.ts';

let home: Home;
beforeAll(async () => {
	home = await Home.make();
	for (const tag of ['CLAUDE_1', 'CODEX_1']) {
		mkdirSync(join(home.path, tag));
		await home.output(['join', tag, '--dir', join(home.path, tag)]);
	}
});
afterAll(() => home.dispose());

let session = 0;
/** An agent's client asks its user. */
function ask(
	tool_input: object,
	{
		tag = 'CLAUDE_1',
		client = 'claude',
		...more
	}: {tag?: string; client?: string; permission_suggestions?: object[]; env?: NodeJS.ProcessEnv} = {},
): Promise<HookEnd> {
	session += 1;
	const {env = {}, ...rest} = more;
	const input = {session_id: `s${session}`, tool_name: 'Bash', tool_input, ...rest};
	return fire({home: home.path, tag, event: 'PermissionRequest', input, env, ...(client === 'claude' ? {} : {client})});
}

let seen = 0;
/** The next request that waits, once it does. */
async function waiting(): Promise<Approval> {
	return vi.waitFor(
		async () => {
			const approval = (await home.json<Approval[]>(['approvals', '--json'])).find(({id}) => id > seen);
			expect(approval).toBeDefined();
			seen = approval!.id;
			return approval!;
		},
		{timeout: 20_000, interval: 100},
	);
}

const find = (id: number) => home.json<Approval>(['approvals', 'show', String(id), '--json']);
const decisionOf = ({stdout}: HookEnd): unknown =>
	(JSON.parse(stdout) as {hookSpecificOutput: {decision: unknown}}).hookSpecificOutput.decision;
const presence = async (tag: string) =>
	(await home.json<{tag: string; presence: string}[]>(['agents', '--json'])).find(each => each.tag === tag)?.presence;

describe('a request of Claude Code', () => {
	test('is allowed by a human elsewhere, who was shown all of it', async () => {
		const asked = ask({command: 'npm test', description: 'runs the tests'});
		const {id, ...request} = await waiting();
		expect(request).toMatchObject({tag: 'CLAUDE_1', client: 'claude', tool: 'Bash', state: 'waiting', cwd: home.path});
		expect(JSON.parse(request.input)).toEqual({command: 'npm test', description: 'runs the tests'});
		expect(await presence('CLAUDE_1')).toBe('blocked');
		expect(await home.output(['approvals', 'allow', String(id)])).toContain('allowed by HUMAN');
		expect(decisionOf(await asked)).toEqual({behavior: 'allow'});
		expect(await find(id)).toMatchObject({
			state: 'allowed',
			decided_by: 'HUMAN',
			taken_at: expect.any(String) as string,
		});
		expect(await presence('CLAUDE_1')).toBe('working');
		const events = await home.json<{state: string; reason: string}[]>([
			'sql',
			'--json',
			`select state, reason from events where approval_id = ${id} order by id`,
		]);
		expect(events.map(({state}) => state)).toEqual(['waiting', 'allowed', 'taken']);
	});

	test('is denied with a reason, and the agent is stopped', async () => {
		const asked = ask({command: 'rm -rf /'});
		const {id} = await waiting();
		await home.output(['approvals', 'deny', String(id), '--reason', 'not here', '--interrupt']);
		expect(decisionOf(await asked)).toEqual({behavior: 'deny', message: 'not here', interrupt: true});
	});

	test('is allowed with another input, and the like for the session', async () => {
		const rule = {
			type: 'addRules',
			rules: [{toolName: 'Bash', ruleContent: 'npm test'}],
			behavior: 'allow',
			destination: 'localSettings',
		};
		const asked = ask({command: 'npm test'}, {permission_suggestions: [rule]});
		const {id} = await waiting();
		await home.output(['approvals', 'allow', String(id), '--session', '--input', '{"command":"npm test -- one"}']);
		expect(decisionOf(await asked)).toEqual({
			behavior: 'allow',
			updatedInput: {command: 'npm test -- one'},
			updatedPermissions: [{...rule, destination: 'session'}],
		});
	});

	test('has one answer: of two at once the second is told who was first', async () => {
		const asked = ask({command: 'ls'});
		const {id} = await waiting();
		const ends = await Promise.all(['allow', 'deny'].map(word => home.run(['approvals', word, String(id)])));
		expect(ends.filter(({code}) => code === 0)).toHaveLength(1);
		expect(ends.find(({code}) => code === 1)?.stderr).toMatch(/(?:allowed|denied) (?:already )?by HUMAN/);
		const {state} = await find(id);
		expect(decisionOf(await asked)).toMatchObject({behavior: state === 'allowed' ? 'allow' : 'deny'});
	});

	test('that is answered in its terminal first ends, and a late answer is refused', async () => {
		const config = join(home.path, 'claude-config');
		mkdirSync(join(config, 'sessions'), {recursive: true});
		const file = join(config, 'sessions/7.json');
		const socket = join(home.path, '7.sock');
		const say = (status: string) =>
			writeFileSync(
				file,
				JSON.stringify({pid: process.pid, messagingSocketPath: socket, status, statusUpdatedAt: Date.now()}),
			);
		say('waiting');
		const asked = ask({command: 'ls'}, {env: {CLAUDE_CONFIG_DIR: config, CLAUDE_CODE_MESSAGING_SOCKET: socket}});
		const {id} = await waiting();
		await new Promise(resolve => setTimeout(resolve, 1000));
		say('busy');
		expect(await asked).toMatchObject({code: 0, stdout: ''});
		const late = await home.run(['approvals', 'allow', String(id)]);
		expect(late.code).toBe(1);
		expect(late.stderr).toContain('answered in its terminal');
	});
});

describe('how long a client waits', () => {
	test('is a setting, after which it is no longer asked elsewhere', async () => {
		const asked = ask({command: 'ls -a'}, {env: {AGENTMUX_APPROVAL_WAIT: '2'}});
		const {id} = await waiting();
		expect(await asked).toMatchObject({code: 0, stdout: ''});
		expect(await find(id)).toMatchObject({state: 'expired'});
	});

	test('with 0 nobody is asked elsewhere', async () => {
		const {settings} = await home.json<{settings: {name: string; value: string}[]}>(['config']);
		const config = settings.find(({name}) => name === 'config file')!.value;
		writeFileSync(config, 'approval_wait = 0\n');
		onTestFinished(() => rmSync(config));
		const before = await home.json<Approval[]>(['approvals', '--json']);
		expect(await ask({command: 'ls -b'})).toMatchObject({code: 0, stdout: ''});
		expect(await home.json<Approval[]>(['approvals', '--json'])).toEqual(before);
	});
});

describe('an answer counts only if a human signed it for this very request', () => {
	test('an agent cannot answer by command', async () => {
		const asked = ask({command: 'ls'});
		const {id} = await waiting();
		const env = {AGENTMUX_TAG: 'CLAUDE_1'};
		const byCommand = await home.run(['approvals', 'allow', String(id)], {env});
		expect(byCommand.code).toBe(1);
		expect(byCommand.stderr).toMatch(/only a human/);
		expect(await find(id)).toMatchObject({state: 'waiting'});
		await home.output(['approvals', 'deny', String(id)]);
		expect(decisionOf(await asked)).toMatchObject({behavior: 'deny'});
	});

	test.each([
		['with no signature', (answer: string) => `answer = '${answer}'`, 'the answer is not signed'],
		[
			'with the signature of another request',
			(_: string, signed: Approval) => `answer = '${signed.answer}', signature = '${JSON.stringify(signed.signature)}'`,
			'the signature does not match the answer',
		],
	])('the database may say anything: an answer %s is refused', async (_, set, why) => {
		const first = ask({command: 'make'});
		const {id: other} = await waiting();
		await home.output(['approvals', 'allow', String(other)]);
		await first;
		const asked = ask({command: 'make'});
		const {id} = await waiting();
		const forged = set('{"behavior":"allow","question":"x"}', await find(other));
		await home.output([
			'sql',
			`update mux_approvals set state = 'allowed', decided_by = 'HUMAN', ${forged} where id = ${id}`,
		]);
		expect(await asked).toMatchObject({code: 0, stdout: ''});
		expect(await find(id)).toMatchObject({state: 'refused', reason: why});
		expect(readFileSync(join(home.path, 'logs/hook.log'), 'utf8')).toContain(why);
	});

	test('an input that was changed after the client asked is not what the answer is for', async () => {
		const asked = ask({command: 'rm -rf /'});
		const {id} = await waiting();
		await home.output(['sql', `update mux_approvals set input = '{"command":"ls"}' where id = ${id}`]);
		await home.output(['approvals', 'allow', String(id)]);
		expect(await asked).toMatchObject({code: 0, stdout: ''});
		expect(await find(id)).toMatchObject({state: 'refused', reason: 'the answer is to another input'});
	});
});

describe('rules', () => {
	test('answer without asking, are listed, and can be removed', async () => {
		await home.output(['approvals', 'always', 'Bash(npm run *)', '--for', 'CLAUDE_1']);
		expect(decisionOf(await ask({command: 'npm run build'}))).toEqual({behavior: 'allow'});
		const [row] = await home.json<Approval[]>(['approvals', '--all', '--json']);
		expect(row).toMatchObject({state: 'allowed', decided_by: null, reason: 'rule Bash(npm run *)'});
		expect(await home.output(['approvals', 'rules'])).toMatch(/always\s+Bash\(npm run \*\)\s+CLAUDE_1/);
		const asked = ask({command: 'npm run build; rm -rf .'});
		const {id} = await waiting();
		await home.output(['approvals', 'deny', String(id)]);
		await asked;
		await home.output(['approvals', 'forget', 'Bash(npm run *)', '--for', 'CLAUDE_1']);
		expect((await home.run(['approvals', 'rules'])).stderr).toContain('There are no rules.');
	});

	test('--always makes one for exactly the same', async () => {
		const asked = ask({command: 'cargo test'});
		const {id} = await waiting();
		await home.output(['approvals', 'allow', String(id), '--always']);
		await asked;
		expect(decisionOf(await ask({command: 'cargo test'}))).toEqual({behavior: 'allow'});
	});
});

describe('a request of Codex', () => {
	test('waits only while somebody looks, and is answered with the fields that it knows', async () => {
		const alone = await ask({command: ['ls']}, {tag: 'CODEX_1', client: 'codex'});
		expect(alone).toMatchObject({code: 0, stdout: ''});
		const asked = ask({command: ['ls']}, {tag: 'CODEX_1', client: 'codex'});
		const {id} = await waiting();
		await home.output(['approvals', 'deny', String(id), '--reason', 'no', '--interrupt']);
		expect(decisionOf(await asked)).toEqual({behavior: 'deny', message: 'no'});
	});
});

describe('the screen', () => {
	function open(size = {cols: 100, rows: 30}): TestTerminal {
		const terminal = spawn([process.execPath, cli], {...size, cwd: home.path, env: {AGENTMUX_HOME: home.path}});
		onTestFinished(() => terminal.kill('SIGKILL'));
		return terminal;
	}

	test('says that an agent asks, shows the whole input, and answers', async () => {
		const terminal = open();
		await terminal.waitFor('● live');
		const asked = ask({command: 'npm test', description: 'runs the tests'});
		await terminal.waitFor('p 1 approval');
		terminal.write('p');
		const shown = (await terminal.waitFor('asks for permission')).join('\n');
		expect(shown).toMatch(/CLAUDE_1 asks for permission/);
		expect(shown).toContain(`Bash  in ${home.path}`);
		expect(shown).toContain('command: npm test');
		expect(shown).toContain('description: runs the tests');
		terminal.write('y');
		expect(decisionOf(await asked)).toEqual({behavior: 'allow'});
		await terminal.waitFor(/#\d+ is allowed\./);
		await terminal.waitFor(screen => !screen[0]!.includes('approval'));
	});

	test('denies with a reason, and shows the next request only when it is asked to', async () => {
		const terminal = open({cols: 80, rows: 24});
		await terminal.waitFor('live');
		const first = ask({command: 'rm -rf build'});
		await terminal.waitFor('1 approval');
		terminal.write('p');
		await terminal.waitFor('rm -rf build');
		const second = ask({command: 'git push'}, {tag: 'CODEX_1', client: 'codex'});
		await terminal.waitFor('· 1 of 2');
		terminal.write('n');
		await terminal.waitFor('Deny CLAUDE_1 Bash rm -rf build');
		terminal.write('use make clean\r');
		expect(decisionOf(await first)).toEqual({behavior: 'deny', message: 'use make clean'});
		// The answer that a finger is about to give twice goes nowhere.
		await terminal.waitFor(/is denied\./);
		terminal.write('y');
		terminal.write('\t');
		await terminal.waitFor('git push');
		terminal.write('A');
		expect(decisionOf(await second)).toEqual({behavior: 'allow'});
		await terminal.waitFor('is always allowed for CODEX_1');
		expect(await home.output(['approvals', 'rules'])).toMatch(/always\s+Bash\(git push\)\s+CODEX_1/);
		await home.output(['approvals', 'forget', 'Bash(git push)', '--for', 'CODEX_1']);
	});

	test('of two screens the first decides, and both see it', async () => {
		const [one, other] = [open(), open()];
		await Promise.all([one.waitFor('live'), other.waitFor('live')]);
		const asked = ask({command: 'make'});
		await Promise.all([one.waitFor('1 approval'), other.waitFor('1 approval')]);
		one.write('p');
		other.write('p');
		await Promise.all([one.waitFor('command: make'), other.waitFor('command: make')]);
		one.write('y');
		expect(decisionOf(await asked)).toEqual({behavior: 'allow'});
		await other.waitFor('answered elsewhere');
		other.write('n');
		await one.waitFor(screen => !screen[0]!.includes('approval'));
	});
});

test('a hub that is killed while the hook waits may come back, and the answer counts', async () => {
	const asked = ask({command: 'make install'});
	const {id} = await waiting();
	const {pid} = await home.json<{pid: number}>(['hub', 'status', '--json']);
	process.kill(pid, 'SIGKILL');
	await home.output(['hub', 'start']);
	await home.output(['approvals', 'allow', String(id)]);
	expect(decisionOf(await asked)).toEqual({behavior: 'allow'});
});
