import {mkdir, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import manifest from '../../package.json' with {type: 'json'};
import {Home} from '../helpers/program.ts';

let home: Home;
beforeAll(async () => {
	home = await Home.make();
});
afterAll(() => rm(home.path, {recursive: true, force: true}));

describe('help', () => {
	test('the overview lists every command with what it does', async () => {
		const {code, stdout, stderr} = await home.run(['--help']);
		expect({code, stderr}).toEqual({code: 0, stderr: ''});
		for (const name of [
			'send',
			'tail',
			'inbox',
			'search',
			'thread',
			'timeline',
			'join',
			'leave',
			'agents',
			'tasks',
			'mcp',
			'hook',
			'sql',
			'watch',
			'config',
		]) {
			expect(stdout).toMatch(new RegExp(`^  ${name} +\\S`, 'm'));
		}
		expect(stdout).toContain('Examples');
		expect(stdout.split('\n').every(line => line.length <= 100)).toBe(true);
	});

	test.each([
		'send',
		'tail',
		'inbox',
		'search',
		'thread',
		'timeline',
		'join',
		'leave',
		'agents',
		'tasks',
		'mcp',
		'hook',
		'sql',
		'watch',
		'config',
	])('%s --help shows its usage and an example, without touching anything', async name => {
		const {code, stdout, stderr} = await home.run([name, '--help']);
		expect({code, stderr}).toEqual({code: 0, stderr: ''});
		expect(stdout).toMatch(new RegExp(`Usage\n  agentmux ${name}`));
		expect(stdout).toMatch(/^Examples?$/m);
		expect((await home.run(['help', name])).stdout).toBe(stdout);
	});

	test('--version prints the version', async () => {
		expect(await home.run(['--version'])).toEqual({code: 0, stdout: `${manifest.version}\n`, stderr: ''});
	});
});

describe('a usage error is one sentence on stderr and exit code 2', () => {
	test.each([
		[['sned'], 'Unknown command `sned`. Did you mean `agentmux send`?'],
		[['frobnicate'], 'Unknown command `frobnicate`. See `agentmux --help`.'],
		[['send', '--frm', 'x'], 'Unknown flag --frm.'],
		[['send'], 'No text given.'],
		[['timeline', '--since', 'sometime'], '`sometime` (--since) is not a time. Give how long ago (30m, 2h, 7d),'],
		[['timeline', '--since', '25:00'], '`25:00` (--since) is not a time.'],
		[['timeline', '--since', '1h', '--until', '2h'], '--since is not before --until.'],
		[['timeline', 'today'], '`agentmux timeline` takes no arguments.'],
		[['send', '--as', 'not a tag', 'x'], '`not a tag` (--as) is not a tag.'],
		[['send', '--to', '1abc', 'x'], '`1abc` (--to) is not a tag.'],
		[['send', '--reply', 'twelve', 'x'], '--reply is `twelve`, which is not a whole number'],
		[['send', '- a list'], 'Text that starts with a dash is read as a flag. Put `--` before it'],
		[['tail', '-n', '-3'], '--lines is `-3`'],
		[['tail', '--since', '1e3'], '--since is `1e3`'],
		[['inbox', '--wait', 'long', '--as', 'A'], '--wait is `long`'],
		[['search'], 'The query is missing.'],
		[['thread'], 'No message given.'],
		[['thread', 'twelve'], 'The message is `twelve`, which is not a whole number'],
		[['thread', '1', '2'], 'Give only one message.'],
		[['tasks', 'lsit'], 'Unknown subcommand `agentmux tasks lsit`. Did you mean `agentmux tasks list`?'],
		[['hub', 'statsu'], 'Unknown subcommand `agentmux hub statsu`. Did you mean `agentmux hub status`?'],
		[['hub', 'postgres://me:secret@host/db'], 'Unknown subcommand `agentmux hub ...`. See `agentmux hub --help`.'],
		[['tasks', 'finish', '1'], '--token is missing. Use --token N'],
		[['tasks', 'finish', '1', '--token', '1', '--result', '{'], '--result is not JSON'],
		[['tasks', 'progress', '1', '7', '--token', '1'], 'FRACTION must be a number from 0 to 1.'],
		[['tasks', 'list', '--status', 'open'], 'Unknown status `open`. Choose from queued,'],
		[['tasks', 'add', 'x', '--run-at', '7'], '`7` (--run-at) is not a time. Give how long from now (30m, 2h, 7d),'],
		[['tasks', 'add', 'x', '--result', '{'], '`agentmux tasks add` does not take --result.'],
		[['tasks', 'finish', '1', '--token', '1', '--depends-on', '2'], 'It is a flag of `agentmux tasks add`.'],
		[['tasks', '--anybody'], '`agentmux tasks list` does not take --anybody. It is a flag of `agentmux tasks assign`.'],
		[['tasks', 'show', '1', '-n', '2'], '`agentmux tasks show` does not take --lines.'],
		[['tasks', 'show', '1', '2'], 'Unexpected argument `2`. See `agentmux tasks --help`.'],
		[['hub', 'stop', '--port', '5'], '`agentmux hub stop` does not take --port. It is a flag of `agentmux hub run`.'],
		[['keys', 'list', '--as', 'A'], '`agentmux keys list` does not take --as. It is a flag of `agentmux keys trust`.'],
		[['sql'], 'The query is missing.'],
		[['watch', 'orders'], '--to is missing. Example: agentmux watch orders --to RESPONDER'],
		[['watch', 'orders', '--off'], '--to is missing. Example: agentmux watch orders --to RESPONDER --off'],
		[['watch', '--to', 'RESPONDER'], 'Give one table.'],
		[['watch', '--on', 'insert'], 'Give one table.'],
		[['watch', 'orders', '--to', 'A', '--on', 'select'], '--on takes insert, update, delete, truncate, not `select`.'],
		[['watch', 'orders', '--to', 'A', '--columns', 'id,'], '--columns takes names, separated by commas.'],
		[['watch', 'orders', '--to', 'A', '--window', '1h'], '--window takes seconds, from 0 to 3600, not `1h`.'],
		[['watch', 'orders', '--to', 'A', '--off', '--on', 'insert'], '--off ends the whole watch.'],
		[['watch', 'orders', 'carts', '--to', 'RESPONDER'], 'Give one table.'],
		[['join'], 'No agent given.'],
		[['join', 'HUMAN'], 'HUMAN is reserved; an agent cannot join as it.'],
		[['join', 'system'], 'system is reserved; an agent cannot join as it.'],
		[['join', '@Untagged'], 'Untagged is reserved; an agent cannot join as it.'],
		[['join', 'no good'], '`no good` (the tag to join as) is not a tag.'],
		[['join', 'A'.repeat(33)], 'is not a tag. A tag is a letter, then up to 31'],
		[['join', '../../etc'], '`../../etc` (the tag to join as) is not a tag.'],
		[['join', 'A', 'B'], 'Give only one tag.'],
		[['leave', 'SYSTEM'], 'SYSTEM is reserved; an agent cannot join as it.'],
		[['leave', '1st'], '`1st` (the tag that leaves) is not a tag.'],
		[['mcp'], 'No agent given.'],
		[['mcp', '--as', 'UNTAGGED'], 'UNTAGGED is reserved; an agent cannot join as it.'],
	])('agentmux %j', async (args, sentence) => {
		const {code, stdout, stderr} = await home.run(args);
		expect({code, stdout}).toEqual({code: 2, stdout: ''});
		expect(stderr).toMatch(/^agentmux: [^\n]+\n$/);
		expect(stderr).toContain(sentence);
	});
});

describe('a bad environment is one sentence on stderr and exit code 1', () => {
	const fails = async (args: string[], env: NodeJS.ProcessEnv, input: string | Buffer = '') => {
		const {code, stdout, stderr} = await home.run(args, {env, input});
		expect({code, stdout}).toEqual({code: 1, stdout: ''});
		expect(stderr).toMatch(/^agentmux: [^\n]+\n$/);
		return stderr;
	};

	test('a corrupt config file', async () => {
		const corrupt = join(home.path, 'corrupt');
		await mkdir(corrupt);
		await writeFile(join(corrupt, 'config.toml'), '[supabase\n');
		const stderr = await fails(['tail'], {AGENTMUX_HOME: corrupt});
		expect(stderr).toMatch(/config\.toml is not valid TOML: line 1, .* Correct that line, or remove the file\./);
	});

	test('an invalid AGENTMUX_TAG', async () => {
		expect(await fails(['tail'], {AGENTMUX_TAG: 'no tag'})).toContain('`no tag` (AGENTMUX_TAG) is not a tag');
	});

	test('a Supabase without a key, and an invalid URL', async () => {
		expect(await fails(['tail'], {SUPABASE_URL: 'https://x.example'})).toContain('no key for it');
		expect(await fails(['tail'], {SUPABASE_URL: 'nonsense', SUPABASE_ANON_KEY: 'k'})).toContain('is not a web address');
	});

	test('a home that is a file', async () => {
		const file = join(home.path, 'file');
		await writeFile(file, '');
		expect(await fails(['tail'], {AGENTMUX_HOME: file})).toContain(file);
	});

	test('a Supabase that cannot be reached', async () => {
		const env = {SUPABASE_URL: 'http://127.0.0.1:9', SUPABASE_SECRET_KEY: 'sb_secret_x'};
		expect(await fails(['tail'], env)).toContain('127.0.0.1:9');
		expect(await fails(['send', 'hello'], env)).toContain('127.0.0.1:9');
	});

	test('invalid content, before anything is opened', async () => {
		expect(await fails(['send', '  '], {})).toContain('empty');
		expect(await fails(['send', '-'], {}, '')).toContain('empty');
		expect(await fails(['send', '-'], {}, 'a\0b')).toContain('NUL');
		expect(await fails(['send', '-'], {}, 'x'.repeat(300_000))).toContain('262,144 bytes');
		expect(await fails(['send', '-'], {}, Buffer.from([0xff, 0xfe]))).toContain('UTF-8');
	});

	test('a missing folder to join', async () => {
		expect(await fails(['join', 'CLAUDE_1', '--dir', 'nowhere'], {})).toContain('There is no folder');
	});

	test('AGENTMUX_DEBUG=1 adds the stack trace', async () => {
		const {stderr} = await home.run(['tail'], {env: {AGENTMUX_TAG: 'no tag', AGENTMUX_DEBUG: '1'}});
		expect(stderr).toMatch(/\n {4}at /);
	});
});
