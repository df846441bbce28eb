import {appendFile, mkdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, onTestFinished, test} from 'vitest';
import {escapes, hostile, invisible, unprintableIn} from '../fixtures/hostile.ts';
import {startAnswering} from '../helpers/answering.ts';
import {Home} from '../helpers/program.ts';

/** As much as a name may hold, of the worst. */
const name = '\u001B]0;t\u0007\u001B[2J\u009B1m\u202E\u3164\u{E0041}x';
const all = hostile.join(' ');
const folder = () => join(home.path, 'a folder \u001B[2J\u202E');

let home: Home;
beforeAll(async () => {
	home = await Home.make();
	const text = (value: unknown): string => `$json$${JSON.stringify(value)}$json$`;
	// Each alone as a message, and all at once wherever else a text of others is kept.
	await home.output([
		'sql',
		`insert into messages (content) select value from json_array_elements_text(${text(hostile)}) where value <> ''`,
	]);
	await mkdir(join(home.path, 'evil'));
	await home.output(['join', 'EVIL', '--dir', join(home.path, 'evil')]);
	await home.output(['send', '--as', 'EVIL', '--to', 'HUMAN', `needle ${all}`]);
	const columns = hostile.map((each, index) => `${index} ${each}`).filter(each => Buffer.byteLength(each) < 60);
	const quoted = (identifier: string): string => `"${identifier.replaceAll('"', '""')}"`;
	const everything = `(select ${text(all)}::json #>> '{}' as v)`;
	for (const statement of [
		`update agents set role = left(v, 200) from ${everything} where tag = 'EVIL'`,
		`create table ${quoted(name)} (${columns.map(each => `${quoted(each)} text`).join(', ')})`,
		`insert into ${quoted(name)} select ${columns.map(() => 'left(v, 300)').join(', ')} from ${everything}`,
		`insert into tasks (title, body, note, last_error, status, attempts, result, result_table, queue, idem_key)
			select left(v, 900), v, v, v, 'failed', 1, to_jsonb(v), ${text(name)}::json #>> '{}', left(v, 60), left(v, 190) from ${everything}`,
	]) {
		await home.output(['sql', statement]);
	}
	await home.output(['watch', quoted(name), '--to', 'EVIL']);
	await mkdir(join(home.path, 'logs'), {recursive: true});
	await appendFile(join(home.path, 'logs/hub.log'), `${all}\n`);
	await appendFile(join(home.path, 'logs/hook.log'), `${new Date().toISOString()} ${all.replaceAll(/[\r\n]/g, ' ')}\n`);
	await mkdir(folder());
	await writeFile(join(folder(), 'CLAUDE.md'), all);
});
afterAll(() => home.dispose());

/** What the program wrote, stdout and stderr, has passed the gate; resolves with it. */
async function clean(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
	const {stdout, stderr} = await home.run(args, {env});
	expect({args, stdout: unprintableIn(stdout), stderr: unprintableIn(stderr)}).toEqual({args, stdout: [], stderr: []});
	return stdout + stderr;
}

describe('what others wrote is printed so that no terminal acts on it and nothing of it is hidden', () => {
	test.each<{what: string; args: string[]}>([
		{what: 'tail', args: ['tail', '-n', '500']},
		{what: 'inbox', args: ['inbox', '--as', 'HUMAN', '-n', '500']},
		{what: 'search', args: ['search', 'needle']},
		{what: 'thread', args: ['thread', '1']},
		{what: 'timeline', args: ['timeline']},
		{what: 'agents', args: ['agents']},
		{what: 'tasks', args: ['tasks']},
		{what: 'tasks show', args: ['tasks', 'show', '1']},
		{what: 'watch', args: ['watch']},
		{what: 'sql, names of columns and cells', args: ['sql', `select * from "${name}"`]},
		{what: 'sql, the name that a query gives', args: ['sql', `select content as "${name}" from messages`]},
		{what: 'sql, JSON', args: ['sql', 'select * from tasks']},
	])('by $what', async ({args}) => {
		const sign = args[0] === 'thread' ? 'UNTAGGED' : '␛[2J';
		expect(await clean(args)).toContain(sign);
		const json = await home.run([...args, '--json']);
		expect({stdout: unprintableIn(json.stdout), code: json.code}).toEqual({stdout: [], code: 0});
		// Nothing that is drawn as nothing, not even what makes emoji.
		expect(json.stdout).not.toMatch(/[\p{Default_Ignorable_Code_Point}\p{Cf}]/u);
		for (const line of json.stdout.trim().split('\n')) JSON.parse(line);
	});

	test('in the overview, the logs, previews and the names of files, too', async () => {
		expect(await clean([])).toContain('␛[2J');
		expect(await clean(['hub', 'logs'])).toContain('␛[2J');
		expect(await clean(['join', 'CLAUDE_9', '--dir', folder(), '--role', all.slice(0, 100), '--print'])).toContain(
			'␛[2J',
		);
		expect(await clean(['join', 'CLAUDE_9', '--dir', join(folder(), 'none')])).toContain('␛[2J');
		expect(await clean(['hub', 'backup', join(folder(), 'none', 'b.tar.gz')])).toContain('␛[2J');
		expect(await clean(['hub', 'restore', join(folder(), 'CLAUDE.md')])).toContain('␛[2J');
		await clean(['hub', 'status']);
		await clean(['hub', 'status', '--json']);
	});

	test('as the text of a refusal by the database', async () => {
		const raise = (text: string): string =>
			`do $do$ begin raise exception using message = E'${name}', hint = ${text}, detail = ${text}; end $do$`;
		const said = await clean(['sql', raise(`$t$${all}$t$`)]);
		expect(said).toMatch(/^agentmux: [^\n]+\n$/);
		expect(said).toContain('␛]0;t␇');
		expect(await clean(['sql', `select "${name}" from messages`])).toContain('␛]0;t␇');
	});

	test.each([
		[200, {'content-type': 'text/html'}, all],
		[400, {'content-type': 'application/json'}, JSON.stringify({code: 'P0001', message: all, hint: all, details: all})],
		[401, {'content-type': 'application/json'}, JSON.stringify({message: all})],
		[503, {}, all],
		[200, {'content-type': 'application/json'}, JSON.stringify([{[all]: all, tag: 1}])],
	])('as a response of another server with %i', async (status, headers, body) => {
		const server = await startAnswering((_, response) => void response.writeHead(status, headers).end(body));
		onTestFinished(() => server.stop());
		const env = {SUPABASE_URL: server.url, SUPABASE_SECRET_KEY: 'k', SUPABASE_ACCESS_TOKEN: 't'};
		for (const args of [['tail'], ['send', 'x'], ['agents', '--json'], ['sql', 'select 1']]) {
			expect(await clean(args, env)).toMatch(/^agentmux: [^\n]+\n$/);
		}
	});

	test('as arguments, variables and settings that are repeated', async () => {
		const words = [...escapes, ...invisible].join(' ').replaceAll('\0', '');
		for (const args of [
			[words],
			['send', `--${words}`],
			['thread', words],
			['tasks', words],
			['hub', words],
			['join', words],
			['send', '--as', words, 'x'],
			['timeline', '--since', words],
			['watch', words, '--to', words],
			['search', `from:${words}`],
		]) {
			expect(await clean(args)).toMatch(/^agentmux: [^\n]+\n$/);
		}
		expect(await clean(['config'], {AGENTMUX_TAG: words})).toMatch(/^agentmux: [^\n]+\n$/);
		expect(await clean(['tail'], {SUPABASE_URL: words, SUPABASE_SECRET_KEY: words})).toMatch(/^agentmux: [^\n]+\n$/);
		const settings = JSON.stringify(words).replaceAll(
			/[\u007F-\uFFFF]/g,
			each => String.raw`\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`,
		);
		const elsewhere = join(home.path, 'elsewhere');
		await mkdir(elsewhere);
		for (const toml of [
			`tag = 1 # ${words}`,
			`${JSON.stringify(name)} = ${words}`,
			`"\\u001b]0;t\\u0007\\u202e" = 1\n[theme]\nname = "\\u001b[2J"\n[keys]\n"\\u001b[2J" = "\\u001b[2J"`,
			`[supabase]\nurl = ${settings}`,
		]) {
			await writeFile(join(elsewhere, 'config.toml'), toml);
			for (const args of [['config'], ['config', '--json']]) await clean(args, {AGENTMUX_HOME: elsewhere});
		}
	});
});
