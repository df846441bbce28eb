import {lstat, mkdtemp, readFile, readdir, rm, symlink, writeFile, chmod, stat, mkdir} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {apply} from '../../source/join/files/file-edit.ts';
import {planServers, planServersRemoval} from '../../source/join/files/mcp-file.ts';

const launcher = {command: '/node', args: ['/cli.js'], env: {AGENTMUX_HOME: '/home/x'}};
let folder: string;
let file: string;
beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'agentmux-join-'));
	file = join(folder, '.mcp.json');
});
afterEach(() => rm(folder, {recursive: true, force: true}));

const joinAs = async (tag: string) => {
	const edit = await planServers(folder, tag, launcher);
	await apply(edit);
	return edit;
};
const leaveAs = async (tag: string) => apply(await planServersRemoval(folder, tag));
const text = () => readFile(file, 'utf8');

describe('join', () => {
	test('writes both servers into a new file, and nothing beside it', async () => {
		await joinAs('CLAUDE_1');
		expect(JSON.parse(await text())).toEqual({
			mcpServers: {
				agentmux: {command: '/node', args: ['/cli.js', 'mcp', '--as', 'CLAUDE_1'], env: {AGENTMUX_HOME: '/home/x'}},
				supabase: {
					command: '/node',
					args: ['/cli.js', 'mcp', '--supabase', '--as', 'CLAUDE_1'],
					env: {AGENTMUX_HOME: '/home/x'},
				},
			},
		});
		expect(await readdir(folder)).toEqual(['.mcp.json']);
	});

	test('twice changes nothing the second time', async () => {
		await joinAs('CLAUDE_1');
		const once = await text();
		const edit = await joinAs('CLAUDE_1');
		expect(edit.after).toBe(edit.before);
		expect(await text()).toBe(once);
	});

	test('another tag replaces the former, and says so', async () => {
		await joinAs('CLAUDE_1');
		expect((await joinAs('CLAUDE_2')).remarks).toEqual([expect.stringContaining('was joined as CLAUDE_1 before')]);
		expect(await text()).not.toContain('CLAUDE_1');
	});

	test('keeps a Supabase server of the project, and gives ours another name', async () => {
		const theirs = {type: 'http', url: 'https://mcp.supabase.com/mcp'};
		await writeFile(file, JSON.stringify({mcpServers: {supabase: theirs}}));
		const {remarks} = await joinAs('CLAUDE_1');
		expect(remarks[0]).toContain('`agentmux-supabase`');
		const {mcpServers} = JSON.parse(await text()) as {mcpServers: {[name: string]: unknown}};
		expect(Object.keys(mcpServers)).toEqual(['supabase', 'agentmux', 'agentmux-supabase']);
		expect(mcpServers['supabase']).toEqual(theirs);
	});

	test('never overwrites another server called agentmux', async () => {
		await writeFile(file, '{"mcpServers": {"agentmux": {"command": "other"}}}');
		await expect(planServers(folder, 'CLAUDE_1', launcher)).rejects.toMatchObject({code: 'conflict'});
	});

	test.each([
		['{\n  "mcpServers": {\n    "x": 1,\n  }\n}', /line 4, a name in double quotes is expected\. It was not changed/],
		['[]', /The document in .* is not an object/],
		['{"mcpServers": 3}', /`mcpServers` in .* is not an object/],
		[Buffer.from([0x7b, 0xff, 0x7d]), /is not UTF-8 text/],
	])('a malformed file is refused with its line and left untouched', async (content, sentence) => {
		await writeFile(file, content);
		await expect(planServers(folder, 'CLAUDE_1', launcher)).rejects.toMatchObject({
			code: 'invalid',
			message: expect.stringMatching(sentence),
		});
		expect(await readFile(file)).toEqual(Buffer.from(content as string));
	});

	test('keeps a symbolic link and the permissions of what it points at', async () => {
		const real = join(folder, 'real.json');
		await writeFile(real, '{}');
		await chmod(real, 0o600);
		await symlink(real, file);
		await joinAs('CLAUDE_1');
		expect((await lstat(file)).isSymbolicLink()).toBe(true);
		expect((await stat(real)).mode & 0o777).toBe(0o600);
		expect(await text()).toContain('CLAUDE_1');
	});

	test('a file that is a folder is one sentence', async () => {
		await mkdir(file);
		await expect(planServers(folder, 'CLAUDE_1', launcher)).rejects.toMatchObject({
			code: 'file',
			message: expect.stringContaining('EISDIR'),
		});
	});
});

describe('leave', () => {
	test('restores the file that was there before, to the byte', async () => {
		const before = '{\n    "mcpServers": {\n        "other": {"command": "x"}\n    },\n    "more": [1,  2]\n}\n';
		await writeFile(file, before);
		await joinAs('CLAUDE_1');
		await leaveAs('CLAUDE_1');
		expect(await text()).toBe(before);
	});

	test('removes the file that join made', async () => {
		await joinAs('CLAUDE_1');
		await leaveAs('claude_1');
		expect(await readdir(folder)).toEqual([]);
	});

	test('of another tag, or where nobody joined, changes nothing', async () => {
		await leaveAs('CLAUDE_1');
		await joinAs('CLAUDE_1');
		const before = await text();
		await leaveAs('CLAUDE_2');
		expect(await text()).toBe(before);
	});
});
