import {execFileSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {
	cpSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	realpathSync,
	renameSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {checkLinks} from '../../source/commands/join/conflicts.ts';
import {clients} from '../../source/join/clients/clients.ts';
import {disarmed, joinedPlaces} from '../../source/join/disarmed.ts';
import {readCredentials} from '../../source/join/files/credentials-file.ts';
import {applyAll, checkWritable} from '../../source/join/files/file-edit.ts';
import {planFolder} from '../../source/join/folder.ts';
import {planCredentials} from '../../source/join/folder-credentials.ts';
import {planFolderRemoval} from '../../source/join/folder-removal.ts';
import {foldersOf} from '../../source/join/joined-files.ts';
import {credentialsAt} from '../../source/join/moved.ts';
import {tagOfHook} from '../../source/join/joined-folder.ts';

// What join writes is for one machine: nothing of it reaches a file of the team, and git does not offer it.

const launcher = {command: '/data/bin/agentmux', args: []};
const hook = 'test ! -x /data/bin/agentmux-hook || /data/bin/agentmux-hook';
let root: string;
let data: string;
beforeEach(() => {
	root = realpathSync(mkdtempSync(join(tmpdir(), 'agentmux-machine-')));
	data = join(root, 'data');
});
afterEach(() => rmSync(root, {recursive: true, force: true}));

const git = (folder: string, ...words: string[]): string =>
	execFileSync(
		'git',
		['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'init.defaultBranch=main', '-C', folder, ...words],
		{encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore']},
	);
const makeFolder = (name: string): string => {
	const folder = join(root, name);
	mkdirSync(folder, {recursive: true});
	return folder;
};
const makeRepository = (name: string): string => {
	const folder = makeFolder(name);
	git(folder, 'init');
	return folder;
};
const put = (folder: string, name: string, text: string): void => {
	mkdirSync(dirname(join(folder, name)), {recursive: true});
	writeFileSync(join(folder, name), text);
};
const text = (folder: string, name: string): string => readFileSync(join(folder, name), 'utf8');
const named = (...ids: string[]) => clients.filter(({id}) => ids.includes(id));
const credentials = (tag: string) => ({tag, url: null, key: 'k', token: 't', account: null, owner_sql: false});

interface Options {
	readonly ids?: readonly string[];
	readonly plugin?: boolean;
	readonly headless?: boolean;
}

async function joinAs(tag: string, folder: string, {ids = ['claude'], ...options}: Options = {}): Promise<string[]> {
	const files = (await credentialsAt(data, tag, folder))?.files ?? {};
	const edits = await planFolder(folder, tag, launcher, hook, {clients: named(...ids), files, ...options});
	await checkLinks(data, {tag, folder}, edits);
	await checkWritable(edits);
	await applyAll([...(await planCredentials(data, folder, edits, {...credentials(tag), ...options})), ...edits]);
	return edits.flatMap(({remarks}) => remarks);
}
const leaveAs = async (tag: string, folder: string) => applyAll(await planFolderRemoval(data, folder, tag));

describe('git', () => {
	const untracked = (folder: string) => git(folder, 'status', '--porcelain', '--untracked-files=all').trim();

	test('ignores what join creates for every client, and leave puts its list back to the byte', async () => {
		const project = makeRepository('project');
		const before = text(project, '.git/info/exclude');
		expect(await joinAs('A', project, {ids: ['claude', 'codex', 'gemini']})).toEqual([]);
		expect(untracked(project)).toBe('');
		await joinAs('A', project, {ids: ['claude', 'codex', 'gemini']});
		expect(text(project, '.git/info/exclude').match(/settings\.local\.json/g)).toHaveLength(1);
		git(project, 'commit', '--allow-empty', '-m', 'first');
		put(project, 'work.txt', 'unfinished');
		git(project, 'stash', '-u');
		expect(disarmed(data)).toEqual([]);
		expect(existsSync(join(project, 'work.txt'))).toBe(false);
		await leaveAs('A', project);
		expect(text(project, '.git/info/exclude')).toBe(before);
	});

	test('has one list for all worktrees: each folder has its own lines, and a folder that is gone leaves none', async () => {
		const project = makeRepository('project');
		const before = text(project, '.git/info/exclude');
		git(project, 'commit', '--allow-empty', '-m', 'first');
		const worktree = join(root, 'worktree');
		git(project, 'worktree', 'add', worktree, '-b', 'other');
		const part = join(project, 'a [part] *');
		mkdirSync(part);
		for (const [tag, folder] of [
			['A', project],
			['B', worktree],
			['C', part],
		] as const)
			await joinAs(tag, folder);
		expect([untracked(project), untracked(worktree)]).toEqual(['', '']);
		await leaveAs('A', project);
		expect(untracked(worktree)).toBe('');
		rmSync(worktree, {recursive: true});
		await leaveAs('B', worktree);
		await leaveAs('C', part);
		expect(text(project, '.git/info/exclude')).toBe(before);
	});

	test('still ignores the files of an agent when another one leaves its folder, where it has none', async () => {
		const project = makeRepository('project');
		await joinAs('A', project);
		await joinAs('B', project, {ids: ['codex']});
		await joinAs('OTHER', makeFolder('other'));
		// As `run` sets an agent up beside the folder's own.
		await applyAll(await planCredentials(data, project, [], credentials('BESIDE')));
		for (const tag of ['OTHER', 'BESIDE', 'B']) await leaveAs(tag, project);
		expect(untracked(project)).toBe('');
		expect(readCredentials(data, 'OTHER')?.folders).toHaveLength(1);
		expect(readCredentials(data, 'BESIDE')).toBeNull();
		git(project, 'commit', '--allow-empty', '-m', 'first');
		git(project, 'clean', '-fd');
		expect(disarmed(data)).toEqual([]);
	});

	test('has what it ignores already on no second list; what it tracks is changed with a remark', async () => {
		const project = makeRepository('project');
		put(project, '.gitignore', '.claude/\n');
		put(project, '.mcp.json', '{"mcpServers": {"theirs": {"command": "x"}}}');
		put(project, 'AGENTS.md', '# Ours\n');
		git(project, 'add', '-A');
		git(project, 'commit', '-m', 'first');
		const remarks = await joinAs('A', project, {ids: ['claude', 'codex']});
		expect(remarks).toEqual([
			`Do not commit ${join(project, '.mcp.json')}: it now has lines for A on this machine.`,
			`Do not commit ${join(project, 'AGENTS.md')}: it now has lines for A on this machine.`,
		]);
		const [, listed = ''] = /in "[^\n]+\n([^#]+)/.exec(text(project, '.git/info/exclude')) ?? [];
		expect(listed.trim().split('\n').sort()).toEqual(['/.codex/config.toml', '/.codex/hooks.json', '/CLAUDE.local.md']);
		expect(await joinAs('A', project, {ids: ['claude', 'codex']})).toEqual([]);
		await leaveAs('A', project);
		expect(git(project, 'status', '--porcelain').trim()).toBe('');
	});

	describe('of a repository that was moved', () => {
		let project: string;
		let moved: string;
		let before: string;
		beforeEach(() => {
			project = makeRepository('project');
			moved = join(root, 'moved');
			put(project, '.gitignore', 'CLAUDE.local.md\n');
			put(project, 'part/work.txt', 'x');
			git(project, 'add', '-A');
			git(project, 'commit', '-m', 'first');
			put(project, 'CLAUDE.local.md', '# Mine\n');
			before = text(project, '.git/info/exclude');
		});
		const expectNothingLeft = (): void => {
			expect(text(moved, '.git/info/exclude')).toBe(before);
			expect(text(moved, 'CLAUDE.local.md')).toBe('# Mine\n');
			expect(existsSync(join(moved, '.mcp.json'))).toBe(false);
			expect(untracked(moved)).toBe('');
		};

		test('names the new place after the next join, and nothing after leave', async () => {
			await joinAs('A', project, {headless: true});
			renameSync(project, moved);
			expect(joinedPlaces(data)).toMatchObject([{folder: project, files: 'gone'}]);
			expect(await credentialsAt(data, 'A', moved)).toMatchObject({folders: [moved], headless: [moved]});
			await joinAs('A', moved, {headless: true});
			expect(untracked(moved)).toBe('');
			expect(text(moved, '.git/info/exclude')).not.toContain(project);
			expect(joinedPlaces(data)).toMatchObject([{folder: moved, files: 'set up', headless: true}]);
			const {files = {}} = readCredentials(data, 'A') ?? {};
			expect(Object.keys(files).filter(path => path.startsWith(project))).toEqual([]);
			await leaveAs('A', moved);
			expectNothingLeft();
			expect(readCredentials(data, 'A')).toBeNull();
		});

		test('names nothing after leave there, without a join, or after the agent has left the old place', async () => {
			for (const places of [[moved], [project, moved]]) {
				await joinAs('A', project);
				renameSync(project, moved);
				for (const place of places) await leaveAs('A', place);
				expectNothingLeft();
				expect(readCredentials(data, 'A')).toBeNull();
				renameSync(moved, project);
			}
		});

		test('keeps the lines of other agents until they join or leave there', async () => {
			const part = join(moved, 'part');
			await joinAs('A', project);
			await joinAs('B', project, {ids: ['codex']});
			await joinAs('C', join(project, 'part'));
			renameSync(project, moved);
			await leaveAs('A', moved);
			expect(untracked(moved)).toBe('');
			await joinAs('C', part);
			await leaveAs('B', moved);
			expect(untracked(moved)).toBe('');
			await leaveAs('C', part);
			expectNothingLeft();
		});

		test('takes no lines of the original along into a copy', async () => {
			await joinAs('A', project);
			const original = text(project, '.git/info/exclude');
			cpSync(project, moved, {recursive: true});
			await joinAs('B', moved);
			await leaveAs('B', moved);
			expect(text(moved, '.git/info/exclude')).toBe(before);
			expect(text(project, '.git/info/exclude')).toBe(original);
			expect(disarmed(data)).toEqual([]);
			expect(await foldersOf(data, 'A')).toEqual([project]);
		});
	});

	test('gets no folder of its own where there is no repository', async () => {
		const project = makeFolder('plain');
		await joinAs('A', project);
		expect(existsSync(join(project, '.git'))).toBe(false);
		await leaveAs('A', project);
		expect(existsSync(join(project, '.claude'))).toBe(false);
	});
});

describe('a join of an earlier version', () => {
	const guidance = '<!-- agentmux: begin A (old) -->\nold\n<!-- agentmux: end -->\n';
	const oldHook = {type: 'command', command: "/node '/gone/hook.cjs' Stop --as A", timeout: 5};

	/** Writes what such a version left. `known`: whether nobody has changed the files since. */
	function joinedBefore(project: string, known: boolean): void {
		const settings = JSON.stringify({model: 'x', hooks: {Stop: [{hooks: [oldHook]}]}}, null, 2);
		put(project, '.claude/settings.json', settings);
		put(project, 'CLAUDE.md', `# Mine\n\n${guidance}`);
		const sha256 = (written: string) =>
			createHash('sha256')
				.update(known ? written : 'other')
				.digest('hex');
		const files = {
			[join(project, '.claude/settings.json')]: {before: '{ "model":"x" }', sha256: sha256(settings)},
			[join(project, 'CLAUDE.md')]: {before: '# Mine\n', sha256: sha256(`# Mine\n\n${guidance}`)},
		};
		put(data, 'agents/A.json', JSON.stringify({...credentials('A'), folders: [project], files}));
	}

	test.each([
		[true, '{ "model":"x" }'],
		[false, '{\n  "model": "x"\n}'],
	])(
		'is moved out of the files of the team (unchanged since: %s), and leave removes the rest',
		async (known, settings) => {
			const project = makeFolder('project');
			joinedBefore(project, known);
			expect(await foldersOf(data, 'A')).toEqual([project]);
			expect(disarmed(data)).toEqual([]);
			await joinAs('A', project);
			expect(text(project, '.claude/settings.json')).toBe(settings);
			expect(text(project, 'CLAUDE.md')).toBe('# Mine\n');
			expect(text(project, '.claude/settings.local.json')).toContain(`${hook} Stop`);
			await leaveAs('A', project);
			expect(existsSync(join(project, '.claude/settings.local.json'))).toBe(false);
			expect(existsSync(join(project, 'CLAUDE.local.md'))).toBe(false);
			expect(text(project, '.claude/settings.json')).toBe(settings);
		},
	);

	test('is undone by leave as it was', async () => {
		const project = makeFolder('project');
		joinedBefore(project, true);
		await leaveAs('A', project);
		expect(text(project, '.claude/settings.json')).toBe('{ "model":"x" }');
		expect(text(project, 'CLAUDE.md')).toBe('# Mine\n');
		expect(readCredentials(data, 'A')).toBeNull();
	});

	test('keeps its hooks understood: they name the agent', () => {
		expect(tagOfHook(data, ['Stop', '--as', 'A'], {env: {}, folder: root, client: 'claude'})).toBe('A');
	});

	test('is not looked for in a CLAUDE.md that is a link to the file of another client', async () => {
		const project = makeFolder('project');
		put(project, 'AGENTS.md', '# Ours\n');
		symlinkSync('AGENTS.md', join(project, 'CLAUDE.md'));
		await joinAs('B', project, {ids: ['codex']});
		const joined = text(project, 'AGENTS.md');
		for (const _ of [1, 2]) await joinAs('A', project);
		expect(text(project, 'CLAUDE.md')).toBe(joined);
		await leaveAs('A', project);
		expect(text(project, 'CLAUDE.md')).toBe(joined);
		await leaveAs('B', project);
		expect(text(project, 'CLAUDE.md')).toBe('# Ours\n');
	});

	test('does not keep team files that are not ours from being anything', async () => {
		const project = makeFolder('project');
		put(project, '.claude/settings.json', '// no JSON of ours\n{,');
		await joinAs('A', project);
		await leaveAs('A', project);
		expect(text(project, '.claude/settings.json')).toBe('// no JSON of ours\n{,');
	});
});

describe('the permission to call our own tools', () => {
	const rules = (project: string): unknown =>
		(JSON.parse(text(project, '.claude/settings.local.json')) as {permissions?: {allow?: unknown}}).permissions?.allow;

	test('is added to what is allowed, and taken out again, also when the client has added some since', async () => {
		const project = makeFolder('project');
		put(project, '.claude/settings.local.json', '{"permissions": {"allow": ["Bash(ls)"]}}');
		await joinAs('A', project);
		expect(rules(project)).toEqual(['Bash(ls)', 'mcp__agentmux']);
		const changed = text(project, '.claude/settings.local.json').replace(
			'"mcp__agentmux"',
			'"mcp__agentmux", "Bash(cat)"',
		);
		writeFileSync(join(project, '.claude/settings.local.json'), changed);
		await leaveAs('A', project);
		expect(JSON.parse(text(project, '.claude/settings.local.json'))).toEqual({
			permissions: {allow: ['Bash(ls)', 'Bash(cat)']},
		});
	});

	test('stays if the user had it before', async () => {
		const project = makeFolder('project');
		put(project, '.claude/settings.local.json', '{"permissions": {"allow": ["mcp__agentmux"]}}');
		await joinAs('A', project);
		put(project, '.claude/settings.local.json', text(project, '.claude/settings.local.json').replace('{', '{ "a": 1,'));
		await leaveAs('A', project);
		expect(rules(project)).toEqual(['mcp__agentmux']);
	});

	test('is all that is written where our plugin brings the rest', async () => {
		const project = makeRepository('project');
		await joinAs('A', project, {plugin: true});
		expect(JSON.parse(text(project, '.claude/settings.local.json'))).toEqual({
			permissions: {allow: ['mcp__plugin_agentmux_agentmux']},
		});
		expect(existsSync(join(project, '.mcp.json'))).toBe(false);
		expect(disarmed(data)).toEqual([]);
		expect(await foldersOf(data, 'A')).toEqual([project]);
		const here = {env: {}, folder: project, client: 'claude'} as const;
		expect(tagOfHook(data, ['Stop', '--plugin'], here)).toBe('A');
		// With servers and hooks of its own, the plugin's would be a second time the same.
		await joinAs('A', project);
		expect(tagOfHook(data, ['Stop', '--plugin'], here)).toBeNull();
		expect(tagOfHook(data, ['Stop'], here)).toBe('A');
		await leaveAs('A', project);
		expect(existsSync(join(project, '.claude'))).toBe(false);
		expect(readCredentials(data, 'A')).toBeNull();
	});
});

describe('a hook', () => {
	test('finds its agent by the folder and the client, or the nearest above; elsewhere it is nobody', async () => {
		const project = makeFolder('project');
		const part = makeFolder('project/part/deep');
		await joinAs('A', project);
		await joinAs('B', project, {ids: ['codex']});
		const find = (folder: string, client: 'claude' | 'codex' | 'gemini', env = {}) =>
			tagOfHook(data, ['Stop'], {env, folder, client});
		expect(find(project, 'claude')).toBe('A');
		expect(find(part, 'claude')).toBe('A');
		expect(find(part, 'codex')).toBe('B');
		expect(find(project, 'gemini')).toBeNull();
		expect(find(root, 'claude')).toBeNull();
		// As a Claude Code that runs as C has it in its shell, in which Codex is started.
		expect(find(project, 'codex', {AGENTMUX_TAG: 'C', CLAUDECODE: '1'})).toBe('B');
		expect(find(project, 'gemini', {AGENTMUX_TAG: 'C', CLAUDECODE: '1'})).toBeNull();
		// In a folder between, in which only another client's agent has joined, Codex runs the hooks of the folder above.
		await joinAs('C', join(project, 'part'));
		expect(find(part, 'claude')).toBe('C');
		expect(find(part, 'codex')).toBe('B');
		expect(find(project, 'claude', {AGENTMUX_TAG: 'C'})).toBe('C');
		expect(find(project, 'claude', {AGENTMUX_TAG: 'HUMAN'})).toBe('A');
	});

	test('works for the agent that has replaced another, who leaves without its files', async () => {
		const project = makeFolder('project');
		put(project, 'CLAUDE.local.md', '# Mine\n');
		await joinAs('A', project);
		await joinAs('B', project);
		expect(tagOfHook(data, ['Stop'], {env: {}, folder: project, client: 'claude'})).toBe('B');
		expect(readCredentials(data, 'A')).toMatchObject({folders: []});
		await leaveAs('A', project);
		expect(readCredentials(data, 'A')).toBeNull();
		expect(disarmed(data)).toEqual([]);
		await leaveAs('B', project);
		expect(text(project, 'CLAUDE.local.md')).toBe('# Mine\n');
	});

	test('is missed where the files are gone, and not where the folder is', async () => {
		const [project, gone] = [makeFolder('project'), makeFolder('gone')];
		await joinAs('A', project);
		await joinAs('B', gone);
		rmSync(join(project, '.claude'), {recursive: true});
		rmSync(gone, {recursive: true});
		expect(joinedPlaces(data)).toEqual([
			{
				tag: 'A',
				folder: project,
				clients: named('claude'),
				missing: named('claude'),
				asksAlone: [],
				plugin: false,
				headless: false,
				files: 'missing',
			},
			{
				tag: 'B',
				folder: gone,
				clients: named('claude'),
				missing: named('claude'),
				asksAlone: [],
				plugin: false,
				headless: false,
				files: 'gone',
			},
		]);
		expect(disarmed(data)).toMatchObject([{tag: 'A'}]);
		await joinAs('A', project);
		expect(disarmed(data)).toEqual([]);
	});

	test('are missed where only the file with the server is gone, or the rule for the plugin', async () => {
		const [project, plugged] = [makeFolder('project'), makeFolder('plugged')];
		await joinAs('A', project, {ids: ['claude', 'codex']});
		await joinAs('B', plugged, {plugin: true});
		expect(disarmed(data)).toEqual([]);
		rmSync(join(project, '.mcp.json'));
		rmSync(join(plugged, '.claude'), {recursive: true});
		expect(disarmed(data)).toMatchObject([
			{tag: 'A', missing: named('claude'), plugin: false},
			{tag: 'B', missing: named('claude'), plugin: true},
		]);
	});

	test('and the server say that runs without a user are wanted, if they are', async () => {
		const project = makeFolder('project');
		await joinAs('A', project, {headless: true});
		expect(text(project, '.claude/settings.local.json')).toContain(`${hook} Stop --headless`);
		expect(JSON.parse(text(project, '.mcp.json'))).toMatchObject({
			mcpServers: {agentmux: {args: ['mcp', '--as', 'A', '--headless']}},
		});
		await joinAs('A', project);
		expect(text(project, '.claude/settings.local.json') + text(project, '.mcp.json')).not.toContain('headless');
		await joinAs('A', project, {headless: true});
		await leaveAs('A', project);
		expect(existsSync(join(project, '.mcp.json'))).toBe(false);
	});
});

describe('a link', () => {
	test('that two folders share their settings by is a conflict that names both', async () => {
		const [one, other] = [makeFolder('one'), makeFolder('other')];
		put(one, '.claude/commands/mine.md', 'mine');
		symlinkSync(join(one, '.claude'), join(other, '.claude'));
		await joinAs('A', one);
		await expect(joinAs('B', other)).rejects.toMatchObject({
			code: 'conflict',
			message: `${join(other, '.claude/settings.local.json')} and ${join(one, '.claude/settings.local.json')} are the same file by a link, and A has joined in ${one}: B would take its hooks.`,
		});
		await leaveAs('A', one);
		await joinAs('B', other);
		await expect(joinAs('A', one)).rejects.toMatchObject({
			code: 'conflict',
			message: expect.stringContaining(`B has joined in ${other}`),
		});
	});

	test.each(['.claude', 'CLAUDE.local.md'])('that leads nowhere is not replaced: %s', async name => {
		const project = makeFolder('project');
		symlinkSync('nowhere', join(project, name));
		await expect(joinAs('A', project)).rejects.toMatchObject({
			code: 'conflict',
			message: `${join(project, name)} is a link to nowhere, which does not exist. It was not changed.`,
		});
		expect(existsSync(join(project, '.mcp.json'))).toBe(false);
	});
});
