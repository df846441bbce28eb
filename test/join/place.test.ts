import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {chmod, cp, mkdir, readFile, readdir, rename, rm, symlink, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test} from 'vitest';
import {clientKey} from '../../source/join/clients/client.ts';
import {claimClient} from '../../source/join/clients/client-owner.ts';
import {signToken} from '../../source/hub/tokens/token.ts';
import type {Agent} from '../../source/mailbox/agent.ts';
import {fire} from '../helpers/hook.ts';
import {Home} from '../helpers/program.ts';

let home: Home;
let count = 0;
/** A tag of its own for each test. */
let me: string;
beforeAll(async () => {
	home = await Home.make();
	await home.output(['hub', 'start']);
});
afterAll(() => home.dispose());
beforeEach(() => {
	count += 1;
	me = `AGENT_${count}`;
});

/** An empty folder of that name for this test. */
async function folder(name: string): Promise<string> {
	const path = join(home.path, String(count), name);
	await mkdir(path, {recursive: true});
	return path;
}

const joinIn = (path: string, ...more: string[]) => home.run(['join', me, '--dir', path, ...more]);
const joined = async () => (await home.json<Agent[]>(['agents'])).some(({tag}) => tag === me);
const placeOf = (tag: string) => join(home.path, 'data/agents', `${tag}.json`);
const readJson = async <T>(path: string) => JSON.parse(await readFile(path, 'utf8')) as T;

describe('a tag that another folder has', () => {
	test('is refused with what to do, and nothing changes', async () => {
		const [first, second] = [await folder('first'), await folder("it's second")];
		await joinIn(first);
		for (const more of [[], ['--print']]) {
			const {code, stdout, stderr} = await home.run(['join', me.toLowerCase(), '--dir', second, ...more]);
			expect({code, stdout}).toEqual({code: 1, stdout: ''});
			expect(stderr).toMatch(/^agentmux: [^\n]+\n$/);
			expect(stderr).toContain(`has already joined in ${first}: two sessions under one tag share an inbox`);
			expect(stderr).toContain(`(\`agentmux leave ${me.toLowerCase()} --dir ${first}\`); --force joins both.`);
		}
		expect(await readdir(second)).toEqual([]);
		expect((await joinIn(first)).stdout).toContain('had already joined');
	});

	test('is accepted with --force, and belongs to both until each has left', async () => {
		const [first, second] = [await folder('first'), await folder('second')];
		await joinIn(first);
		expect(await joinIn(second, '--force')).toMatchObject({code: 0, stderr: ''});
		expect(await readJson(placeOf(me))).toMatchObject({folders: [first, second]});
		await home.output(['leave', me, '--dir', first]);
		expect(await readJson(placeOf(me))).toMatchObject({folders: [second]});
		expect((await joinIn(first)).code).toBe(1);
		await home.output(['leave', me, '--dir', second]);
		expect((await joinIn(first)).code).toBe(0);
	});

	test('is free when that folder is gone or was moved, and one folder under two names is one', async () => {
		const first = await folder('first');
		await joinIn(first);
		await rm(first, {recursive: true});
		const second = await folder('second');
		expect(await joinIn(second)).toMatchObject({code: 0, stderr: ''});
		const third = join(home.path, String(count), 'third');
		await rename(second, third);
		expect(await joinIn(third)).toMatchObject({code: 0, stderr: ''});
		const link = join(home.path, String(count), 'link');
		await symlink(third, link);
		expect((await joinIn(link)).stdout).toContain(`${me} had already joined in ${third}`);
		expect(await home.output(['leave', me, '--dir', link])).toContain(`${me} has left ${third}`);
		expect(await readdir(third)).toEqual([]);
	});

	test('is said to be at work elsewhere where no folder of this home has it', async () => {
		await home.output(['sql', `insert into agents (tag, presence, last_seen_at) values ('${me}', 'working', now())`]);
		const {code, stderr} = await joinIn(await folder('here'));
		expect(code).toBe(0);
		expect(stderr).toMatch(
			new RegExp(`^agentmux: ${me} is already working elsewhere \\(working\\): two sessions [^\\n]+\\n$`),
		);
	});

	test("is refused if it is the human's tag", async () => {
		await writeFile(join(home.path, 'config.toml'), `tag = "${me}"\n`);
		const {code, stdout, stderr} = await joinIn(await folder('mine'));
		await rm(join(home.path, 'config.toml'));
		expect({code, stdout}).toEqual({code: 2, stdout: ''});
		expect(stderr).toContain(`${me} is your own tag (${join(home.path, 'config.toml')}).`);
	});
});

describe('who has joined', () => {
	const presence = async () => (await home.json<Agent[]>(['agents'])).find(({tag}) => tag === me)?.presence;

	test('is away until a client starts, and is no obstacle to another one or to being forgotten', async () => {
		const project = await folder('project');
		await joinIn(project);
		expect(await presence()).toBe('away');
		await rm(placeOf(me));
		expect(await joinIn(project)).toMatchObject({code: 0, stderr: ''});
		await rm(placeOf(me));
		expect(await home.output(['agents', 'forget', me])).toContain('is forgotten');
	});

	test('is away at once when its client is killed, also if no server of its own ever ran', async () => {
		const project = await folder('project');
		await joinIn(project);
		const program = spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)']);
		onTestFinished(() => void program.kill('SIGKILL'));
		const env = {
			AGENTMUX_HOOK_TIMEOUT: '10000',
			CLAUDE_CODE_ENTRYPOINT: 'cli',
			CLAUDE_CODE_MESSAGING_SOCKET: `/tmp/cc-socks/${me}.sock`,
			CLAUDE_PID: String(program.pid),
		};
		const input = JSON.stringify({session_id: me});
		for (const event of ['SessionStart', 'UserPromptSubmit'])
			await home.run(['hook', event], {cwd: project, env, input});
		expect(await presence()).toBe('working');
		program.kill('SIGKILL');
		await once(program, 'exit');
		await expect.poll(presence, {timeout: 60_000}).toBe('away');
	});

	test('keeps the presence of a client that is running, and not that of one that is gone', async () => {
		const project = await folder('project');
		const become = (state: string, since: string) =>
			home.output(['sql', `update agents set presence = '${state}', last_seen_at = ${since} where tag = '${me}'`]);
		await joinIn(project);
		await become('blocked', 'now()');
		await joinIn(project);
		expect(await presence()).toBe('blocked');
		await become('working', "now() - interval '1 hour'");
		await joinIn(project);
		expect(await presence()).toBe('away');
	});
});

describe('where a folder lies', () => {
	test('a subfolder of a joined one has a place and a tag of its own', async () => {
		const above = await folder('project');
		await home.output(['join', `${me}_A`, '--dir', above]);
		const below = await folder('project/part');
		const {code, stderr} = await joinIn(below);
		expect(code).toBe(0);
		expect(stderr).toContain(
			`also reads ${join(above, 'CLAUDE.local.md')}, which is about ${me}_A. Its own tag is ${me}`,
		);
		expect(await readFile(join(below, '.mcp.json'), 'utf8')).toContain(`"${me}"`);
		await home.output(['leave', me, '--dir', below]);
		expect(await readdir(below)).toEqual([]);
		expect(await readFile(join(above, '.mcp.json'), 'utf8')).toContain(`"${me}_A"`);
	});

	test('under git it says nothing of what git ignores then; a worktree that has it nevertheless is joined anew', async () => {
		const project = await folder('project');
		await mkdir(join(project, '.git'));
		const part = await folder('project/part');
		expect((await joinIn(part)).stderr).toBe('');
		expect(await readFile(join(project, '.git/info/exclude'), 'utf8')).toContain('\n/part/.mcp.json\n');
		await home.output(['leave', me, '--dir', part]);
		expect(await readdir(join(project, '.git/info'))).toEqual([]);

		await joinIn(project);
		const worktree = await folder('worktree');
		await cp(project, worktree, {recursive: true, filter: source => !source.endsWith('.git')});
		await writeFile(join(worktree, '.git'), 'gitdir: ../project/.git/worktrees/worktree\n');
		expect((await joinIn(worktree)).stderr).toContain(`${me} has already joined in ${project}`);
		const {code, stderr} = await home.run(['join', `${me}_W`, '--dir', worktree]);
		expect(code).toBe(0);
		expect(stderr).toContain(
			`${worktree} was joined as ${me} before; a folder has only one tag. For two agents there, join as ${me} again, ` +
				`and start ${me}_W beside it with \`agentmux run ${me}_W\` or \`AGENTMUX_TAG=${me}_W claude\`.`,
		);
		for (const name of ['.mcp.json', 'CLAUDE.local.md']) {
			const text = await readFile(join(worktree, name), 'utf8');
			expect(text).toContain(`${me}_W`);
			expect(text).not.toMatch(new RegExp(`${me}(?!_W)`));
			expect(await readFile(join(project, name), 'utf8')).not.toContain(`${me}_W`);
		}
	});

	test('the home folder holds for every session, and is refused without --force', async () => {
		const own = await folder('home');
		const env = {HOME: own};
		const refused = await home.run(['join', me, '--dir', own], {env});
		expect(refused).toMatchObject({code: 1, stderr: expect.stringContaining(`${own} is your home folder`)});
		expect(await readdir(own)).toEqual([]);
		expect((await home.run(['join', me, '--dir', own, '--force'], {env})).code).toBe(0);
	});
});

describe('a file that cannot be changed is refused, all stay as they are, and nobody joins', () => {
	test.each([
		[
			'.claude/settings.local.json',
			'{\n  "hooks": {\n    "Stop": [\n  }\n}\n',
			0o644,
			/settings\.local\.json is not valid JSON: line 4, /,
		],
		['.mcp.json', '{\n  "mcpServers": {,}\n}', 0o644, /\.mcp\.json is not valid JSON: line 2, /],
		['.mcp.json', '{}', 0o444, /\.mcp\.json is read-only and was not changed\. Make it writable/],
		[
			'.claude/settings.local.json',
			'{}',
			0o444,
			/settings\.local\.json is read-only and was not changed\. Make it writable/,
		],
		['CLAUDE.local.md', '# Mine\n', 0o444, /CLAUDE\.local\.md is read-only and was not changed\. Make it writable/],
	])('%s %j', async (name, content, mode, sentence) => {
		const project = await folder('project');
		await mkdir(join(project, '.claude'));
		await writeFile(join(project, name), content);
		await chmod(join(project, name), mode);
		const {code, stdout, stderr} = await joinIn(project);
		expect({code, stdout}).toEqual({code: 1, stdout: ''});
		expect(stderr).toMatch(/^agentmux: [^\n]+\n$/);
		expect(stderr).toMatch(sentence);
		expect(await readFile(join(project, name), 'utf8')).toBe(content);
		expect((await readdir(project, {recursive: true})).sort()).toEqual(['.claude', name].sort());
		expect(await joined()).toBe(false);
		await expect(readFile(placeOf(me))).rejects.toMatchObject({code: 'ENOENT'});
	});
});

test('joining again gives a hook another token when its own has expired', async () => {
	const project = await folder('project');
	await joinIn(project);
	const [, secret = ''] = /^JWT_SECRET="(.*)"$/m.exec(await home.output(['hub', 'status', '-o', 'env'])) ?? [];
	const claims = {role: 'authenticated', app_metadata: {agent_tag: me, kind: 'agent'}};
	const place = await readJson<{token: string}>(placeOf(me));
	const expired = {...place, token: signToken(secret, {...claims, exp: 1})};
	await writeFile(placeOf(me), JSON.stringify(expired));
	const fireHere = () => fire({home: home.path, tag: me, event: 'PostToolBatch'});
	await home.output(['send', '--to', me, 'hello']);
	expect(await fireHere()).toMatchObject({code: 0, stdout: ''});
	expect((await joinIn(project)).stdout).toContain('had already joined');
	expect((await readJson<{token: string}>(placeOf(me))).token).not.toBe(expired.token);
	expect((await fireHere()).stdout).toContain('hello');
});

describe('the home that a client is told', () => {
	const written = async (project: string) => {
		const {mcpServers} = await readJson<{mcpServers: Record<string, {command: string}>}>(join(project, '.mcp.json'));
		return {
			command: mcpServers['agentmux']?.command,
			settings: await readFile(join(project, '.claude/settings.local.json'), 'utf8'),
		};
	};

	test('is that of the last one to join, and leaving needs none', async () => {
		const project = await folder('project');
		await joinIn(project);
		const other = await Home.make();
		expect((await other.run(['join', me, '--dir', project])).code).toBe(0);
		const {command, settings} = await written(project);
		expect(command).toBe(join(other.path, 'data/bin/agentmux'));
		expect(await readFile(command ?? '', 'utf8')).toContain(`\nexport AGENTMUX_HOME=${other.path}\n`);
		expect(settings).toContain(`${other.path}/data/bin/agentmux-hook Stop"`);
		expect(settings).not.toContain(home.path);
		expect(settings.match(/-hook Stop"/g)).toHaveLength(1);
		await home.output(['leave', me, '--dir', project]);
		expect(await readdir(project)).toEqual([]);
		const elsewhere = await folder('elsewhere');
		expect((await other.run(['join', me, '--dir', elsewhere])).code).toBe(0);
		await other.dispose();
	});

	test('is a whole path where a relative one was given, and none where there is none', async () => {
		const project = await folder('project');
		const print = (env: NodeJS.ProcessEnv) =>
			home.output(['join', me, '--dir', project, '--print'], {env, cwd: home.path});
		const relative = await print({AGENTMUX_HOME: './own'});
		expect(relative).toContain(`"command": ${JSON.stringify(join(home.path, 'own/data/bin/agentmux'))}`);
		expect(relative).toContain(`${join(home.path, 'own/data/bin/agentmux-hook')} Stop"`);
		const own = await folder('user');
		const none = await print({
			AGENTMUX_HOME: '',
			HOME: own,
			XDG_DATA_HOME: own,
			XDG_STATE_HOME: own,
			XDG_CONFIG_HOME: own,
		});
		expect(none).toContain(join(own, 'agentmux/bin/agentmux-hook'));
		expect(none).not.toContain('AGENTMUX_HOME');
	});
});

describe('leave', () => {
	test.each([
		['is read-only', null, 0o444, /settings\.local\.json is read-only and was not changed/],
		['is no JSON any more', '{\n  "hooks": }\n', 0o644, /settings\.local\.json is not valid JSON: line 2, /],
	])('where a file %s changes nothing, and says so', async (_, content, mode, sentence) => {
		const project = await folder('project');
		await joinIn(project);
		const settings = join(project, '.claude/settings.local.json');
		if (content !== null) await writeFile(settings, content);
		await chmod(settings, mode);
		const names = [settings, join(project, '.mcp.json'), join(project, 'CLAUDE.local.md'), placeOf(me)];
		const texts = () => Promise.all(names.map(name => readFile(name, 'utf8')));
		const before = await texts();
		const {code, stdout, stderr} = await home.run(['leave', me, '--dir', project]);
		expect({code, stdout}).toEqual({code: 1, stdout: ''});
		expect(stderr).toMatch(sentence);
		expect(await texts()).toEqual(before);
	});

	test('of a folder that is gone forgets it', async () => {
		const project = await folder('project');
		await joinIn(project);
		await rm(project, {recursive: true});
		expect(await home.output(['leave', me, '--dir', project])).toBe(`${me} has left ${project}.\n`);
		await expect(readFile(placeOf(me))).rejects.toMatchObject({code: 'ENOENT'});
		const again = await home.run(['leave', me, '--dir', project]);
		expect(again).toMatchObject({code: 1, stdout: '', stderr: expect.stringContaining('nothing was changed')});
	});

	test('signs off the clients that are running, and leaves the folder of their settings where it is', async () => {
		const project = await folder('project');
		await joinIn(project);
		const env = {CLAUDE_CODE_SESSION_ID: me, CLAUDE_CODE_ENTRYPOINT: 'cli', CLAUDE_PID: String(process.pid)};
		const claim = claimClient(join(home.path, 'state'), env, me);
		const session = clientKey(env, null) ?? '';
		await home.output([
			'sql',
			`insert into agent_sessions (tag, session, presence, wake) values ('${me}', '${session}', 'idle', 'bell')`,
		]);
		await home.output(['sql', `update agents set presence = 'idle', sessions = 1 where tag = '${me}'`]);
		await home.output(['leave', me, '--dir', project]);
		const agents = await home.json<Agent[]>(['agents']);
		expect(agents.find(({tag}) => tag === me)).toMatchObject({presence: 'away', sessions: 0, wake: null});
		claim.release();
		// Which they watch.
		expect(await readdir(project)).toEqual(['.claude']);
	});

	test('succeeds even if the others cannot be told', async () => {
		const project = await folder('project');
		await joinIn(project);
		const env = {SUPABASE_URL: 'http://127.0.0.1:9', SUPABASE_SECRET_KEY: 'x'};
		const {code, stdout, stderr} = await home.run(['leave', me, '--dir', project], {env});
		expect({code, stdout}).toEqual({code: 0, stdout: expect.stringContaining(`${me} has left`)});
		expect(stderr).toMatch(
			/^agentmux: The mailbox could not be updated: http:\/\/127\.0\.0\.1:9 cannot be reached[^\n]+\n$/,
		);
		expect(await readdir(project)).toEqual([]);
	});
});
