import {readdir, readFile, stat, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {Home} from '../helpers/program.ts';

const password = 'canary-4242';

let home: Home;
beforeAll(async () => {
	home = await Home.make();
});
afterAll(() => home.dispose());

/** Runs a command with every way to make it say more; resolves with all that it wrote. */
async function said(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
	const {stdout, stderr} = await home.run(args, {env: {AGENTMUX_DEBUG: '1', ...env}});
	return stdout + stderr;
}

describe('a password in an address is not shown', () => {
	test.each([
		[`https://user:${password}@127.0.0.1:1`, 'SUPABASE_URL contains a user or a password.'],
		[`http://${password}@127.0.0.1:1`, 'SUPABASE_URL contains a user or a password.'],
		[`http://127.0.0.1:1/?apikey=${password}`, 'SUPABASE_URL contains ? or #.'],
		[`postgres://user:${password}@127.0.0.1:1/db`, 'SUPABASE_URL is not a web address.'],
		[password, 'SUPABASE_URL is not a web address.'],
	])('of a Supabase: %s', async (url, sentence) => {
		const env = {SUPABASE_URL: url, SUPABASE_SECRET_KEY: `sb_secret_${password}`};
		for (const args of [
			['tail'],
			['config', '--json'],
			['send', 'x'],
			['sql', 'select 1'],
			['join', 'A'],
			['mcp', '--as', 'A'],
		]) {
			const text = await said(args, env);
			expect(text).toContain(sentence);
			expect(text).not.toContain(password);
		}
		expect(await said(['hook', 'SessionStart', '--as', 'A'], env)).not.toContain(password);
	});

	test.each([
		`postgres://user:${password}@127.0.0.1:1/db`,
		`postgres://user:x@127.0.0.1:1/db?password=${password}`,
		`postgres://user:12/${password}@127.0.0.1:1/db`,
		`postgres://user:1#${password}@127.0.0.1:1/db`,
		`postgres://user:%${password}@127.0.0.1:1/db`,
		`mysql://user:${password}@127.0.0.1/db`,
		password,
	])('of a database: %s', async url => {
		const env = {AGENTMUX_DATABASE_URL: url};
		for (const args of [['config'], ['config', '--json'], ['hub', 'run'], ['hub', 'start'], ['tail'], ['hub', 'logs']])
			expect(await said(args, env)).not.toContain(password);
		expect(await said(['hub', 'run', '--database-url', url])).not.toContain(password);
		// A word that is not an address is repeated, like any other.
		expect(await said(['hub', 'start', url.includes('://') ? url : ''])).not.toContain(password);
	});

	test('in config.toml, even an invalid one, and in no file that others may read', async () => {
		const settings = [
			`[hub]\ndatabase_url = "postgres://user:${password}@127.0.0.1:1/db"\n`,
			`[hub]\ndatabase_url = "postgres://user:${password}@127.0.0.1:1/db\n`,
			`[hub]\ndatabase_url = postgres://user:${password}@127.0.0.1:1/db\n`,
			`[hub]\ndatabase_url = ["${password}"]\n`,
			`[supabase]\nurl = "https://user:${password}@127.0.0.1:1"\nkey = "${password}"\n`,
			`[supabase]\nkey = "\\q${password}"\n`,
		];
		for (const text of settings) {
			await writeFile(join(home.path, 'config.toml'), text, {mode: 0o600});
			for (const args of [['config'], ['config', '--json'], ['tail'], ['hub', 'run']])
				expect(await said(args)).not.toContain(password);
		}
		const open: string[] = [];
		for (const entry of await readdir(home.path, {recursive: true, withFileTypes: true})) {
			if (!entry.isFile()) continue;
			const path = join(entry.parentPath, entry.name);
			const isOpen = ((await stat(path)).mode & 0o077) !== 0 || path.endsWith('.log');
			if (isOpen && (await readFile(path, 'latin1')).includes(password)) open.push(path);
		}
		expect(open).toEqual([]);
	});
});
