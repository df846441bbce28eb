import {mkdtemp, mkdir, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {loadConfig} from '../../source/config.ts';

let home: string;
beforeEach(async () => {
	home = await mkdtemp(join(tmpdir(), 'agentmux-config-'));
});
afterEach(async () => {
	await rm(home, {recursive: true, force: true});
});

const load = (env: NodeJS.ProcessEnv = {}, flags = {}) => loadConfig({flags, env: {AGENTMUX_HOME: home, ...env}});
const write = (text: string) => writeFile(join(home, 'config.toml'), text);

describe('paths', () => {
	test('AGENTMUX_HOME moves everything to one folder', async () => {
		const {paths} = await load();
		expect(paths).toEqual({
			home,
			config: join(home, 'config.toml'),
			data: join(home, 'data'),
			state: join(home, 'state'),
			logs: join(home, 'logs'),
		});
	});

	test("without it they are the platform's own, all absolute", async () => {
		const {paths} = await loadConfig({env: {}});
		expect(paths.home).toBeNull();
		for (const place of [paths.config, paths.data, paths.state, paths.logs]) {
			expect(place).toMatch(/^(\/|[A-Z]:).*agentmux/i);
			expect(place).not.toContain('nodejs');
		}
	});
});

describe('identity and mailbox', () => {
	test('nothing configured is the human on the hub', async () => {
		expect(await load()).toMatchObject({tag: 'HUMAN', kind: 'human', target: {kind: 'hub'}, warnings: []});
	});

	test('flags go before the environment, the environment before the file, the file before the defaults', async () => {
		await write('tag = "ANNA"\n[supabase]\nurl = "https://file.example"\nkey = "from-file"\n');
		expect(await load()).toMatchObject({
			tag: 'ANNA',
			kind: 'human',
			target: {kind: 'supabase', url: 'https://file.example', key: 'from-file'},
		});
		const env = {AGENTMUX_TAG: 'CLAUDE_1', SUPABASE_URL: 'https://env.example/', SUPABASE_ANON_KEY: 'from-env'};
		expect(await load(env)).toMatchObject({
			tag: 'CLAUDE_1',
			kind: 'agent',
			target: {kind: 'supabase', url: 'https://env.example', key: 'from-env'},
		});
		expect(await load(env, {as: 'CLAUDE_2'})).toMatchObject({tag: 'CLAUDE_2', kind: 'agent'});
	});

	test('the strongest available key is used', async () => {
		const env = {SUPABASE_URL: 'https://x.example', SUPABASE_ANON_KEY: 'anon', SUPABASE_SERVICE_ROLE_KEY: 'service'};
		expect((await load(env)).target).toMatchObject({key: 'service'});
		expect((await load({...env, SUPABASE_SECRET_KEY: 'secret', SUPABASE_ACCESS_TOKEN: 'pat'})).target).toMatchObject({
			key: 'secret',
			access_token: 'pat',
		});
	});

	test("the hub's database comes from the environment, then from the file, and is the last one by default", async () => {
		expect((await load()).databaseUrl).toBeUndefined();
		await write('[hub]\ndatabase_url = "postgres://file/team"\n');
		expect(await load()).toMatchObject({databaseUrl: 'postgres://file/team', warnings: []});
		expect((await load({AGENTMUX_DATABASE_URL: 'embedded'})).databaseUrl).toBe('embedded');
		expect((await load({AGENTMUX_DATABASE_URL: ' '})).databaseUrl).toBe('postgres://file/team');
	});

	test('AGENTMUX_TAG=HUMAN is still the human, and an empty variable counts as unset', async () => {
		expect(await load({AGENTMUX_TAG: 'human'})).toMatchObject({kind: 'human'});
		expect(await load({AGENTMUX_TAG: ' ', SUPABASE_URL: ''})).toMatchObject({tag: 'HUMAN', target: {kind: 'hub'}});
	});
});

describe('bad input is one sentence with its remedy', () => {
	test.each([
		[{AGENTMUX_TAG: 'no tag'}, /`no tag` \(AGENTMUX_TAG\) is not a tag/],
		[{SUPABASE_URL: 'nonsense', SUPABASE_ANON_KEY: 'k'}, /^SUPABASE_URL is not a web address\.$/],
		[{SUPABASE_URL: 'postgres://u:pw@x.example/db', SUPABASE_ANON_KEY: 'k'}, /^SUPABASE_URL is not a web address\.$/],
		[
			{SUPABASE_URL: 'https://u:pw@x.example', SUPABASE_ANON_KEY: 'k'},
			/^SUPABASE_URL contains a user or a password\.$/,
		],
		[{SUPABASE_URL: 'https://x.example/?apikey=pw', SUPABASE_ANON_KEY: 'k'}, /^SUPABASE_URL contains \? or #/],
		[{SUPABASE_URL: 'https://x.example'}, /no key for it/],
	])('%j', async (env, sentence) => {
		await expect(load(env)).rejects.toMatchObject({
			name: 'MailboxError',
			message: expect.stringMatching(sentence),
			remedy: expect.stringMatching(/./),
		});
	});

	test('a corrupt config file names file and line', async () => {
		await write('tag = "A"\n[supabase\nurl = 1\n');
		await expect(load()).rejects.toMatchObject({
			message: expect.stringMatching(/config\.toml is not valid TOML: line 2, [^\n]+\.$/),
			remedy: expect.stringContaining('remove the file'),
		});
	});

	test('a setting of the wrong type is named', async () => {
		await write('[supabase]\nurl = 3\n');
		await expect(load()).rejects.toThrow('`supabase.url` is not a text');
	});

	test('a config file that is a folder is a sentence too', async () => {
		await mkdir(join(home, 'config.toml'));
		await expect(load()).rejects.toMatchObject({code: 'file', message: expect.stringContaining('EISDIR')});
	});

	test('an unknown setting is a warning', async () => {
		await write('colour = "red"\n[supabase]\nport = 1\n');
		const {warnings} = await load();
		expect(warnings).toHaveLength(2);
		expect(warnings[0]).toContain('`colour`');
		expect(warnings[1]).toContain('`supabase.port`');
	});
});

describe('the lines of the config file', () => {
	test('are found, also for values in lists and multi-line strings', async () => {
		const text = [
			'# mine',
			'tag = "ANNA"',
			'',
			'[keys]',
			'open = [',
			'  "o", # opens',
			'  "enter",',
			']',
			'help = "h"',
			'[ui]',
			'mouse = true',
			'',
		].join('\n');
		await write(text);
		const {file} = await load();
		const lines = ['tag', 'keys.open', 'keys.help', 'ui.mouse'].map(name => file.placeOf(name));
		expect(lines).toEqual([2, 5, 9, 11].map(line => `${join(home, 'config.toml')} line ${line}`));
	});

	test('are in the warning about an unknown setting', async () => {
		await write('\n\n[sopabase]\nurl = "x"\n');
		expect((await load()).warnings).toEqual([
			expect.stringContaining('config.toml line 4 has a setting `sopabase.url`'),
		]);
	});
});
