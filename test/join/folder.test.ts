import {
	chmodSync,
	existsSync,
	lstatSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {applyAll, checkWritable} from '../../source/join/files/file-edit.ts';
import {clients} from '../../source/join/clients/clients.ts';
import {hookEvents} from '../../source/join/hook/hook-input.ts';
import {planFolder} from '../../source/join/folder.ts';
import {planCredentials} from '../../source/join/folder-credentials.ts';
import {planFolderRemoval} from '../../source/join/folder-removal.ts';
import {foldersOf} from '../../source/join/joined-files.ts';
import {readCredentials} from '../../source/join/files/credentials-file.ts';

const launcher = {command: '/node', args: ['/cli.js']};
const program = "AGENTMUX_HOME='/a home' /node /dist/hook.cjs";
const names = ['.mcp.json', '.claude/settings.local.json', 'CLAUDE.local.md'] as const;
let root: string;
let folder: string;
let data: string;
beforeEach(() => {
	root = mkdtempSync(join(tmpdir(), 'agentmux-folder-'));
	folder = join(root, 'my project 🙂');
	data = join(root, 'data');
	mkdirSync(folder);
});
afterEach(() => rmSync(root, {recursive: true, force: true}));

const joinAs = async (tag: string, hook = program) => {
	const edits = await planFolder(folder, tag, launcher, hook, {files: readCredentials(data, tag)?.files ?? {}});
	await checkWritable(edits);
	const door = {tag, url: null, key: 'anon', token: 'its token', account: null, owner_sql: false};
	await applyAll([...(await planCredentials(data, folder, edits, door)), ...edits]);
	return edits;
};
const leaveAs = async (tag: string) => applyAll(await planFolderRemoval(data, folder, tag));
const put = (name: string, text: string) => {
	mkdirSync(join(folder, '.claude'), {recursive: true});
	writeFileSync(join(folder, name), text);
};
const text = (name: string) => readFileSync(join(folder, name), 'utf8');
const all = () => names.map(name => (existsSync(join(folder, name)) ? text(name) : null));
interface Settings {
	hooks: Record<string, {matcher?: string; hooks: {command: string}[]}[]>;
}
const settings = () => JSON.parse(text('.claude/settings.local.json')) as Settings;

describe('join', () => {
	test('writes servers, hooks and guidance; the token goes to a private file', async () => {
		await joinAs('CLAUDE_1');
		const {hooks} = settings();
		expect(Object.keys(hooks).sort()).toEqual([...hookEvents].sort());
		expect(hooks['Stop']).toEqual([{hooks: [{type: 'command', command: `${program} Stop`, timeout: 5}]}]);
		expect(hooks['FileChanged']).toMatchObject([{hooks: [{asyncRewake: true}]}]);
		expect(text('CLAUDE.local.md')).toContain('The agent that works in this folder is CLAUDE_1');
		expect(all().join('')).not.toContain('its token');
		expect(statSync(join(data, 'agents/CLAUDE_1.json')).mode & 0o777).toBe(0o600);
		expect(statSync(join(data, 'agents')).mode & 0o777).toBe(0o700);
		expect(readCredentials(data, 'claude_1')).toMatchObject({token: 'its token', key: 'anon', url: null});
	});

	test('omits the server for SQL if it is not wanted, takes it out and puts it in again, and leave restores every byte', async () => {
		const files = ['.mcp.json', '.codex/config.toml', '.gemini/settings.json'];
		mkdirSync(join(folder, '.codex'));
		const theirs = '{\n  "mcpServers": {"supabase": {"url": "https://example.org"}}\n}\n';
		put('.mcp.json', theirs);
		put('.codex/config.toml', 'model = "x"\n');
		const join3 = async (sql: boolean): Promise<boolean[]> => {
			const {files: known} = readCredentials(data, 'CLAUDE_1') ?? {files: {}};
			const edits = await planFolder(folder, 'CLAUDE_1', launcher, program, {clients, sql, files: known});
			const own = {tag: 'CLAUDE_1', url: null, key: 'anon', token: 't', account: null, owner_sql: false, sql};
			await applyAll([...(await planCredentials(data, folder, edits, own)), ...edits]);
			expect(readCredentials(data, 'CLAUDE_1')?.no_sql).toEqual(sql ? [] : [folder]);
			const remarks = edits.flatMap(edit => edit.remarks).filter(remark => remark.includes('`agentmux-supabase`'));
			expect(remarks).toHaveLength(sql ? 1 : 0);
			expect(text('.mcp.json')).toContain('"url": "https://example.org"');
			for (const name of files) expect(text(name)).toMatch(/agentmux/);
			return files.map(name => text(name).includes('--supabase'));
		};
		for (const sql of [false, true, false]) expect(await join3(sql)).toEqual([sql, sql, sql]);
		await leaveAs('CLAUDE_1');
		expect(text('.mcp.json')).toBe(theirs);
		expect(text('.codex/config.toml')).toBe('model = "x"\n');
		expect(existsSync(join(folder, '.gemini/settings.json'))).toBe(false);
	});

	test('keeps the hooks that are there, and changes nothing the second time', async () => {
		const theirs = {hooks: [{type: 'command', command: 'make lint'}]};
		put(
			'.claude/settings.local.json',
			JSON.stringify({model: 'x', hooks: {Stop: [theirs], PreToolUse: [theirs]}}, null, '\t'),
		);
		await joinAs('CLAUDE_1');
		expect(settings().hooks['Stop']).toMatchObject([theirs, {hooks: [{timeout: 5}]}]);
		expect(settings().hooks['PreToolUse']).toEqual([theirs]);
		const once = all();
		await joinAs('CLAUDE_1');
		expect(all()).toEqual(once);
	});

	test('under another tag, or from another installation, replaces what it wrote before', async () => {
		await joinAs('CLAUDE_1');
		await joinAs('CLAUDE_2', '/other/hook.cjs');
		const written = all().join('');
		expect(written).not.toContain('CLAUDE_1');
		expect(settings().hooks['Stop']).toMatchObject([{hooks: [{command: '/other/hook.cjs Stop'}]}]);
		expect(text('CLAUDE.local.md').match(/agentmux: begin/g)).toHaveLength(1);
	});

	test.each([
		[
			'.claude/settings.local.json',
			'{\n  "hooks": {\n    "Stop": [1,]\n  }\n}',
			/settings\.local\.json is not valid JSON: line 3, a value is expected/,
		],
		['.claude/settings.local.json', '{"hooks": []}', /`hooks` in .* is not an object/],
		['.claude/settings.local.json', '{"hooks": {"Stop": {}}}', /`hooks\.Stop` in .* is not an array/],
		['.claude/settings.local.json', '// mine\n{}', /line 1/],
		[
			'CLAUDE.local.md',
			'a\n<!-- agentmux: begin CLAUDE_1 -->\nb',
			/The section that begins in line 2 of .* has no end/,
		],
	])('%s that cannot be understood is refused, and all three stay as they are', async (name, content, sentence) => {
		put(name, content);
		const before = all();
		await expect(joinAs('CLAUDE_1')).rejects.toMatchObject({code: 'invalid', message: expect.stringMatching(sentence)});
		expect(all()).toEqual(before);
		expect(existsSync(data)).toBe(false);
	});

	test('a read-only file is refused, and all three files stay unchanged', async () => {
		put('.claude/settings.local.json', '{}');
		chmodSync(join(folder, '.claude/settings.local.json'), 0o444);
		await expect(joinAs('CLAUDE_1')).rejects.toMatchObject({
			code: 'file',
			message: expect.stringContaining('settings.local.json is read-only and was not changed'),
		});
		expect(all()).toEqual([null, '{}', null]);
	});

	test('when the last file cannot be written, those before it are put back', async () => {
		put('.mcp.json', '{"mcpServers": {}}');
		const before = all();
		const edits = await planFolder(folder, 'CLAUDE_1', launcher, program);
		const nowhere = {file: join(folder, '.mcp.json/below'), before: null, after: 'x', remarks: []};
		await expect(applyAll([...edits, nowhere])).rejects.toMatchObject({code: 'file'});
		expect(all()).toEqual(before);
	});
});

describe('a folder below another', () => {
	const below = () => {
		folder = join(folder, 'below');
		mkdirSync(folder);
	};

	test('leaves a Supabase server of the one above alone, which a client finds there too', async () => {
		put('.mcp.json', '{"mcpServers": {"supabase": {"command": "theirs"}}}');
		const above = join(folder, '.mcp.json');
		below();
		const edits = await joinAs('CLAUDE_2');
		expect(edits.flatMap(({remarks}) => remarks)).toEqual([
			`${above} already has a \`supabase\` server, which is kept; ours is named \`agentmux-supabase\`.`,
		]);
		expect(Object.keys((JSON.parse(text('.mcp.json')) as {mcpServers: object}).mcpServers)).toEqual([
			'agentmux',
			'agentmux-supabase',
		]);
	});

	test('keeps the usual name where the server above is ours, or its file is not understood', async () => {
		await joinAs('CLAUDE_1');
		below();
		await joinAs('CLAUDE_2');
		below();
		put('.mcp.json', '{,');
		below();
		await joinAs('CLAUDE_3');
		expect(text('.mcp.json')).not.toContain('agentmux-supabase');
	});

	test('says that the client also reads the guidance above, and whose it is', async () => {
		await joinAs('CLAUDE_1');
		const above = join(folder, 'CLAUDE.local.md');
		below();
		const remarks = (await joinAs('CLAUDE_2')).flatMap(edit => edit.remarks);
		expect(remarks).toEqual([
			`A client started in ${folder} also reads ${above}, which is about CLAUDE_1. Its own tag is CLAUDE_2.`,
		]);
		expect(text('CLAUDE.local.md')).toContain('the instructions of the MCP server `agentmux` say which one applies');
	});
});

describe('the folders that a tag has', () => {
	test('are those where it joined, without what was removed, moved, cleared by hand, or left', async () => {
		const start = folder;
		const all: string[] = [];
		for (const name of ['stays', 'removed', 'moved', 'cleared', 'left', 'taken over', 'unreadable']) {
			folder = join(start, name);
			mkdirSync(folder);
			all.push(folder);
			await joinAs('CLAUDE_1');
		}
		expect(await foldersOf(data, 'claude_1')).toEqual(all);
		rmSync(join(start, 'removed'), {recursive: true});
		renameSync(join(start, 'moved'), join(start, 'elsewhere'));
		for (const name of names) rmSync(join(start, 'cleared', name));
		folder = join(start, 'left');
		await leaveAs('CLAUDE_1');
		folder = join(start, 'taken over');
		await joinAs('CLAUDE_2');
		writeFileSync(join(start, 'unreadable/.mcp.json'), '{,');
		expect(await foldersOf(data, 'CLAUDE_1')).toEqual([join(start, 'stays'), join(start, 'unreadable')]);
		expect(await foldersOf(data, 'CLAUDE_2')).toEqual([folder]);
	});
});

describe('leave', () => {
	const hook = {hooks: [{type: 'command', command: 'x'}]};
	test.each([
		['nothing', null, null],
		['empty objects', '{}', ''],
		['an empty object of its own form', '{ }\n', '# Mine\n'],
		['empty hooks', '{"hooks": {}}', '# Mine'],
		['an empty list', '{"hooks": {"Stop": []}, "a": 1}', '# Mine\n\n'],
		['hooks in one line', JSON.stringify({hooks: {Stop: [hook]}}), 'a\r\nb\r\n'],
		['hooks with tabs', JSON.stringify({hooks: {Stop: [hook], SessionEnd: [hook, hook]}}, null, '\t'), '\n\n'],
		['CR LF', JSON.stringify({hooks: {Stop: [hook]}}, null, 4).replaceAll('\n', '\r\n'), 'x\n<!-- a -->\n'],
	])('restores the former content to the byte: %s', async (_, before, guidance) => {
		if (before !== null) put('.claude/settings.local.json', before);
		if (guidance !== null) put('CLAUDE.local.md', guidance);
		const was = all();
		await joinAs('CLAUDE_1');
		await joinAs('CLAUDE_1', '/moved/hook.cjs');
		expect(all()).not.toContain(null);
		await leaveAs('CLAUDE_1');
		expect(all()).toEqual(was);
		expect(existsSync(join(folder, '.claude'))).toBe(before !== null || guidance !== null);
		expect(existsSync(join(data, 'agents/CLAUDE_1.json'))).toBe(false);
	});

	test('restores a file of servers that has nothing but blanks', async () => {
		put('.mcp.json', ' \n');
		await joinAs('CLAUDE_1');
		expect(text('.mcp.json')).toContain('CLAUDE_1');
		await leaveAs('CLAUDE_1');
		expect(text('.mcp.json')).toBe(' \n');
	});

	test('of a file behind a link takes out its lines, and keeps the link', async () => {
		const real = join(root, 'dotfiles.json');
		writeFileSync(real, '{}');
		mkdirSync(join(folder, '.claude'));
		symlinkSync(real, join(folder, '.claude/settings.local.json'));
		await joinAs('CLAUDE_1');
		writeFileSync(real, `${readFileSync(real, 'utf8')}\n`);
		await leaveAs('CLAUDE_1');
		expect(lstatSync(join(folder, '.claude/settings.local.json')).isSymbolicLink()).toBe(true);
		expect(readFileSync(real, 'utf8')).toBe('{}\n');
	});

	test('keeps what somebody has changed since', async () => {
		put('.claude/settings.local.json', JSON.stringify({hooks: {Stop: [hook]}}, null, 2));
		put('CLAUDE.local.md', '# Mine\n');
		await joinAs('CLAUDE_1');
		put('CLAUDE.local.md', `${text('CLAUDE.local.md')}\n# Added\n`);
		const changed = settings();
		changed.hooks['PreToolUse'] = [hook];
		put('.claude/settings.local.json', JSON.stringify(changed, null, 2));
		await joinAs('CLAUDE_1');
		await leaveAs('CLAUDE_1');
		expect(text('CLAUDE.local.md')).toBe('# Mine\n\n# Added\n');
		expect(settings()).toEqual({hooks: {Stop: [hook], PreToolUse: [hook]}});
	});

	test('of another tag changes nothing, and an agent keeps its place while another folder has it', async () => {
		await joinAs('CLAUDE_1');
		const joined = all();
		await leaveAs('CLAUDE_2');
		expect(all()).toEqual(joined);
		const first = folder;
		folder = join(root, 'second');
		mkdirSync(folder);
		await joinAs('CLAUDE_1');
		await leaveAs('CLAUDE_1');
		expect(readCredentials(data, 'CLAUDE_1')?.token).toBe('its token');
		folder = first;
		expect(all()).toEqual(joined);
		await leaveAs('CLAUDE_1');
		expect(all()).toEqual([null, null, null]);
		expect(readCredentials(data, 'CLAUDE_1')).toBeNull();
	});

	test('of a folder that is gone, or was moved, takes the place of the agent with it', async () => {
		await joinAs('CLAUDE_1');
		rmSync(folder, {recursive: true});
		await leaveAs('CLAUDE_1');
		expect(existsSync(join(data, 'agents/CLAUDE_1.json'))).toBe(false);
		mkdirSync(folder);
		put('CLAUDE.local.md', '# Mine\n');
		await joinAs('CLAUDE_1');
		const moved = join(root, 'moved');
		renameSync(folder, moved);
		folder = moved;
		await leaveAs('CLAUDE_1');
		expect(all()).toEqual([null, null, '# Mine\n']);
		expect(existsSync(join(data, 'agents/CLAUDE_1.json'))).toBe(false);
	});

	test('twice changes nothing the second time', async () => {
		put('CLAUDE.local.md', '# Mine\n');
		await joinAs('CLAUDE_1');
		await leaveAs('CLAUDE_1');
		const once = all();
		const edits = await planFolderRemoval(data, folder, 'CLAUDE_1');
		expect(edits.filter(({before, after}) => before !== after)).toEqual([]);
		expect(all()).toEqual(once);
	});

	const added = {type: 'command', command: 'notify-send done'};
	const change = (edit: (hooks: Settings['hooks']) => void) => {
		const changed = settings();
		edit(changed.hooks);
		put('.claude/settings.local.json', JSON.stringify(changed, null, 2));
	};

	test('takes only its own hook out of an entry that somebody has added one to', async () => {
		await joinAs('CLAUDE_1');
		change(hooks => hooks['Stop']?.[0]?.hooks.push(added));
		await leaveAs('CLAUDE_1');
		expect(settings()).toEqual({hooks: {Stop: [{hooks: [added]}]}});
	});

	test('takes out each copy of its hooks, and joining again leaves one of them', async () => {
		await joinAs('CLAUDE_1');
		const double = () =>
			change(hooks => {
				for (const items of Object.values(hooks)) items.push(...structuredClone(items));
				hooks['Stop']?.[0]?.hooks.push(added);
			});
		double();
		await joinAs('CLAUDE_1');
		expect(settings().hooks['SessionStart']).toHaveLength(1);
		expect(settings().hooks['Stop']).toMatchObject([{hooks: [added]}, {hooks: [{timeout: 5}]}]);
		double();
		await leaveAs('CLAUDE_1');
		expect(Object.keys(settings().hooks)).toEqual(['Stop']);
		expect(JSON.stringify(settings())).not.toContain('--as CLAUDE_1');
	});

	test('removes what an older version wrote for an unused event, and so does joining again', async () => {
		const older = {hooks: [{type: 'command', command: `${program} Notification --as CLAUDE_1`, timeout: 5}]};
		await joinAs('CLAUDE_1');
		const joined = text('.claude/settings.local.json');
		change(hooks => (hooks['Notification'] = [older, hook]));
		await joinAs('CLAUDE_1');
		expect(settings().hooks['Notification']).toEqual([hook]);
		change(hooks => delete hooks['Notification']);
		expect(text('.claude/settings.local.json').trim()).toBe(joined.trim());
		change(hooks => (hooks['Notification'] = [older]));
		await leaveAs('CLAUDE_1');
		expect(all()).toEqual([null, null, null]);
	});

	test('keeps a command that somebody has changed, and says so', async () => {
		await joinAs('CLAUDE_1');
		change(hooks => {
			const [first] = hooks['Stop']?.[0]?.hooks ?? [];
			if (first !== undefined) first.command += ' && make lint';
		});
		const edits = await planFolderRemoval(data, folder, 'CLAUDE_1');
		expect(edits.flatMap(({remarks}) => remarks)).toEqual([
			expect.stringContaining(
				'settings.local.json still starts the hook of CLAUDE_1, in an entry that somebody has changed',
			),
		]);
		await applyAll(edits);
		expect(Object.keys(settings().hooks)).toEqual(['Stop']);
		expect(text('.claude/settings.local.json')).toContain('Stop && make lint');
	});

	test('removes our server with anything that was added to it, and keeps the others', async () => {
		await joinAs('CLAUDE_1');
		const servers = JSON.parse(text('.mcp.json')) as {mcpServers: Record<string, object>};
		Object.assign(servers.mcpServers['agentmux'] ?? {}, {alwaysLoad: true});
		servers.mcpServers['mine'] = {command: 'mine'};
		put('.mcp.json', JSON.stringify(servers));
		await leaveAs('CLAUDE_1');
		expect(JSON.parse(text('.mcp.json'))).toEqual({mcpServers: {mine: {command: 'mine'}}});
	});
});
