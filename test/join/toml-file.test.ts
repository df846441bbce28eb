import {chmod, mkdir, mkdtemp, readFile, readdir, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import fc from 'fast-check';
import {parse, stringify} from 'smol-toml';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {clients} from '../../source/join/clients/clients.ts';
import {apply, checkWritable} from '../../source/join/files/file-edit.ts';
import {planTomlServers, planTomlServersRemoval} from '../../source/join/files/toml-file.ts';

const codex = clients.find(({id}) => id === 'codex')!;
const launcher = {command: '/no "de"', args: ['/cli\\.js'], env: {AGENTMUX_HOME: '/home/x 🙂'}};
let folder: string;
let file: string;
beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'agentmux-toml-'));
	await mkdir(join(folder, '.codex'));
	file = join(folder, '.codex/config.toml');
});
afterEach(() => rm(folder, {recursive: true, force: true}));

const joinAs = async (tag: string, start = launcher) => {
	const edit = await planTomlServers(folder, tag, start, codex);
	await checkWritable([edit]);
	await apply(edit);
	return edit;
};
const leaveAs = async (tag: string) => apply(await planTomlServersRemoval(folder, tag, codex));
const text = () => readFile(file, 'utf8');
const servers = async () => (parse(await text()) as {mcp_servers: {[name: string]: object}}).mcp_servers;

describe('join', () => {
	test('writes both servers, and what they may have of the environment, between two comments', async () => {
		await joinAs('CODEX_1');
		const env_vars = [
			'SUPABASE_URL',
			'SUPABASE_SECRET_KEY',
			'SUPABASE_SERVICE_ROLE_KEY',
			'SUPABASE_PUBLISHABLE_KEY',
			'SUPABASE_ANON_KEY',
			'SUPABASE_ACCESS_TOKEN',
		];
		const {command, env} = launcher;
		expect(await servers()).toEqual({
			agentmux: {command, args: ['/cli\\.js', 'mcp', '--as', 'CODEX_1'], env_vars, env},
			supabase: {command, args: ['/cli\\.js', 'mcp', '--supabase', '--as', 'CODEX_1'], env_vars, env},
		});
		const lines = (await text()).trimEnd().split('\n');
		expect(lines[0]).toMatch(/^# agentmux: begin CODEX_1 \(written by/);
		expect(lines.at(-1)).toBe('# agentmux: end');
	});

	test('keeps comments, order and odd spacing, and changes nothing the second time', async () => {
		const before = '# mine\nmodel   = "x" # why\r\n\n[ mcp_servers . other ]\ncommand = \'y\'\n';
		await writeFile(file, before);
		await joinAs('CODEX_1');
		const once = await text();
		expect(once.startsWith(before)).toBe(true);
		expect(parse(once)).toMatchObject({model: 'x', mcp_servers: {other: {command: 'y'}}});
		const edit = await joinAs('CODEX_1');
		expect(edit).toMatchObject({after: edit.before, remarks: []});
		expect(await text()).toBe(once);
	});

	test('under another tag takes the place of the former, where that stands, and says so', async () => {
		await joinAs('CODEX_1');
		await writeFile(file, `${await text()}\n[tui]\ntheme = "x"\n`);
		expect((await joinAs('CODEX_2')).remarks).toEqual([expect.stringContaining('was joined as CODEX_1 before')]);
		expect(await text()).not.toContain('CODEX_1');
		expect((await text()).endsWith('# agentmux: end\n\n[tui]\ntheme = "x"\n')).toBe(true);
	});

	test('again keeps which tools the user has allowed for good, which Codex writes into our tables', async () => {
		await joinAs('CODEX_1');
		const allowed = '\n[mcp_servers.agentmux.tools.send_message]\napproval_mode = "approve"\n';
		const with_ = (await text()).replace('\n[mcp_servers.supabase]', `${allowed}\n[mcp_servers.supabase]`);
		await writeFile(file, with_);
		await joinAs('CODEX_1');
		expect(await text()).toBe(with_);
		await leaveAs('CODEX_1');
		expect(await readdir(folder)).toEqual([]);
	});

	test('from another place, or with another home, writes its servers anew', async () => {
		await joinAs('CODEX_1');
		await joinAs('CODEX_1', {...launcher, command: '/moved'});
		expect(await servers()).toMatchObject({agentmux: {command: '/moved'}});
		await joinAs('CODEX_1', {command: '/moved', args: []} as unknown as typeof launcher);
		expect(await text()).not.toContain('AGENTMUX_HOME');
	});

	test('keeps a Supabase server of the project, and gives ours another name', async () => {
		await writeFile(file, '[mcp_servers.supabase]\nurl = "https://mcp.supabase.com/mcp"\n');
		const {remarks} = await joinAs('CODEX_1');
		expect(remarks).toEqual([expect.stringContaining('`agentmux-supabase`')]);
		expect(Object.keys(await servers())).toEqual(['supabase', 'agentmux', 'agentmux-supabase']);
		expect(await servers()).toMatchObject({supabase: {url: 'https://mcp.supabase.com/mcp'}});
		await leaveAs('CODEX_1');
		expect(await text()).toBe('[mcp_servers.supabase]\nurl = "https://mcp.supabase.com/mcp"\n');
	});

	test('says that Codex complains of hooks in two places where the project has some in this file', async () => {
		await writeFile(file, '[[hooks.Stop]]\nhooks = []\n');
		expect((await joinAs('CODEX_1')).remarks).toEqual([expect.stringContaining('ours are in .codex/hooks.json')]);
	});

	test.each([
		[
			'no TOML',
			'model = "x"\nmodel = \n',
			'invalid',
			/config\.toml is not valid TOML: line 2, .*\. It was not changed/,
		],
		['a key twice', 'a = 1\n\na = 2\n', 'invalid', /line 3/],
		['a foreign server of our name', '\n[mcp_servers.agentmux]\nurl = "x"\n', 'conflict', /did not write \(line 2\)/],
		['one in dotted keys', 'mcp_servers.agentmux.url = "x"\n', 'conflict', /did not write \(line 1\)/],
		[
			'a closed table',
			'# mcp_servers\nmcp_servers = {}\n',
			'conflict',
			/inline table, which cannot be extended \(line 2\)/,
		],
		[
			'no end',
			'a = 1\n# agentmux: begin CODEX_1 (x)\n[mcp_servers.agentmux]\ncommand = "x"\n',
			'invalid',
			/line 2 of .* has no end/,
		],
		['bytes that are no text', Buffer.from([0x61, 0xff]), 'invalid', /is not UTF-8 text/],
	])('refuses %s with the line, and leaves the file untouched', async (_, content, code, message) => {
		await writeFile(file, content);
		await expect(joinAs('CODEX_1')).rejects.toMatchObject({code, message: expect.stringMatching(message)});
		expect(await readFile(file)).toEqual(Buffer.from(content as string));
	});

	test('refuses a read-only file', async () => {
		await writeFile(file, 'a = 1\n');
		await chmod(file, 0o444);
		await expect(joinAs('CODEX_1')).rejects.toMatchObject({
			code: 'file',
			message: expect.stringContaining('config.toml is read-only and was not changed'),
		});
		expect(await text()).toBe('a = 1\n');
	});
});

describe('leave', () => {
	test.each([
		'',
		'a = 1\n',
		'# a comment alone\n',
		'a = 1\r\n[b]\r\nc = 2\r\n',
		'\n\n',
		'[mcp_servers]\n[mcp_servers.x]\nurl = "y"\n',
	])('puts %j back to the byte', async before => {
		await writeFile(file, before);
		await joinAs('CODEX_1');
		expect(await servers()).toHaveProperty('agentmux');
		await leaveAs('codex_1');
		expect(await text().catch(() => '')).toBe(before);
		expect((await readdir(folder)).length).toBe(before === '' ? 0 : 1);
	});

	test('of another tag changes nothing', async () => {
		await joinAs('CODEX_1');
		const joined = await text();
		await leaveAs('CODEX_2');
		expect(await text()).toBe(joined);
	});

	test('keeps what stands behind the block in a table of its own', async () => {
		await writeFile(file, 'a = 1\n');
		await joinAs('CODEX_1');
		await writeFile(file, `${await text()}\n[b]\nc = 2\n`);
		await leaveAs('CODEX_1');
		expect(await text()).toBe('a = 1\n\n[b]\nc = 2\n');
	});

	test.each([
		['a key behind the block, which TOML puts into our last table', 'model = "x"\n'],
		['a table below one of ours', '[mcp_servers.agentmux.tools.x]\napproval_mode = "approve"\n'],
	])('refuses %s: it would come to mean something else', async (_, behind) => {
		await joinAs('CODEX_1');
		const edited = (await text()) + behind;
		await writeFile(file, edited);
		const refused = {
			code: 'invalid',
			message: expect.stringMatching(/outside of lines 1 to \d+ belongs to the tables/),
		};
		await expect(leaveAs('CODEX_1')).rejects.toMatchObject(refused);
		await expect(joinAs('CODEX_2')).rejects.toMatchObject(refused);
		expect(await text()).toBe(edited);
	});
});

test('whatever the file says, join only adds to it, and leave puts it back', async () => {
	const name = fc.string({minLength: 1}).filter(key => !/__proto__|agentmux|supabase/.test(key));
	const value = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.string()));
	const table = fc.dictionary(name, value);
	const documents = fc.record({
		values: fc.dictionary(
			name.filter(key => !['mcp_servers', 'table', 'hooks'].includes(key)),
			value,
		),
		servers: fc.dictionary(name, table),
		comment: fc.stringMatching(/^[ -~]*$/),
		newline: fc.constantFrom('\n', '\r\n'),
	});
	await fc.assert(
		fc.asyncProperty(documents, async ({values, servers, comment, newline}) => {
			const lines = `# ${comment}\n${stringify({...values, table: values, mcp_servers: servers})}\n`;
			const before = lines.replaceAll('\n', newline);
			await writeFile(file, before);
			await joinAs('CODEX_1');
			const whole = parse(before) as {mcp_servers?: object};
			const after = parse(await text()) as {mcp_servers: object};
			expect(after).toEqual({...whole, mcp_servers: {...whole.mcp_servers, ...after.mcp_servers}});
			expect(Object.keys(after.mcp_servers).sort()).toEqual(
				[...Object.keys(whole.mcp_servers ?? {}), 'agentmux', 'supabase'].sort(),
			);
			await leaveAs('CODEX_1');
			expect(await text()).toBe(before);
		}),
		{numRuns: 200},
	);
});
