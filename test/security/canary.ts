import {existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {gunzipSync} from 'node:zlib';
import {startHosted} from '../helpers/hosted.ts';
import type {Attack, Tally} from './attack.ts';
import {failing, printing, printingJson} from './commands.ts';
import type {Target} from './target.ts';

const password = 'canary-of-a-password-4242';

/** Places in which a password stands that are known to be wrong or unreachable, so that a failure speaks of them. */
const unreachable: readonly NodeJS.ProcessEnv[] = [
	{SUPABASE_URL: `http://user:${password}@127.0.0.1:1`, SUPABASE_SECRET_KEY: `sb_secret_${password}`},
	{SUPABASE_URL: `https://user:${password}@127.0.0.1:1/?apikey=${password}`, SUPABASE_SERVICE_ROLE_KEY: password},
	{SUPABASE_URL: `http://user:${password}@localhost:1`, SUPABASE_ANON_KEY: password, SUPABASE_ACCESS_TOKEN: password},
	{SUPABASE_URL: `ftp://user:${password}@there`, SUPABASE_SECRET_KEY: password},
	{SUPABASE_URL: `http:// user:${password}@ there`, SUPABASE_SECRET_KEY: password},
];
const databases: readonly string[] = [
	`postgres://user:${password}@127.0.0.1:1/db`,
	`postgres://user:${password}@127.0.0.1:1/db?sslmode=verify-full`,
	`postgres://user@127.0.0.1:1/db?password=${password}`,
	`postgres://user:${password}@`,
	`mysql://user:${password}@127.0.0.1/db`,
	`postgres://user:${password}@no such host/db`,
];

export const canary: Attack = {
	name: 'canary',
	what: 'every secret, in outputs, logs, backups, answers, readable files and process lists',
	async run({targets, tally, long}) {
		await targets.alone('PGlite', async target => {
			const {home} = target;
			const {agent, folder} = await target.join('CLAUDE_1');
			await home.output(['send', '--to', 'CLAUDE_1', 'hostile or not']);
			await home.output(['tasks', 'add', 'a task']);
			const secrets = secretsOf(target);
			const look = new Look(tally, secrets);
			const processes = look.processes();
			const run = async (words: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = home.path): Promise<void> => {
				const {stdout, stderr} = await home.run(words, {env, cwd});
				look.at(`agentmux ${words.join(' ')} with ${Object.keys(env).join(', ')}`, stdout + stderr);
			};
			try {
				for (const words of [...printing, ...printingJson, ...failing]) await run(words);
				for (const words of long ? printing : [['tail'], ['config'], ['agents']]) {
					await run(words, {CLAUDECODE: '1'}, folder);
				}
				await answers(look, agent);
				await run(['hub', 'backup', join(home.path, 'backup.tar.gz')]);
				look.at('the backup', gunzipSync(readFileSync(join(home.path, 'backup.tar.gz'))).toString('latin1'));
				const file = join(home.path, 'a project');
				mkdirSync(file);
				await run(['join', 'CLAUDE_2', '--dir', file, '--print']);
				await hosted(target, look, run);
				const wrong: readonly (readonly string[])[] = long
					? printing
					: [['tail'], ['config'], ['config', '--json'], ['send', 'x']];
				for (const env of unreachable) for (const words of wrong) await run(words, env);
				for (const url of databases) {
					await run(['config'], {AGENTMUX_DATABASE_URL: url});
					await run(['hub', 'run'], {AGENTMUX_DATABASE_URL: url, AGENTMUX_HOME: join(home.path, 'of a database')});
				}
				writeFileSync(join(home.path, 'config.toml'), configuration, {mode: 0o600});
				for (const words of [['config'], ['config', '--json'], ['tail']]) await run(words);
				files(look, home.path);
			} finally {
				processes.stop();
			}
		});
	},
};

const configuration = `[supabase]
url = "http://user:${password}@127.0.0.1:1"
secret_key = "${password}"
[hub]
database_url = "postgres://user:${password}@127.0.0.1:1/db"
`;

/** By name; of a token the signature, without which it is worth nothing. */
function secretsOf({home}: Target): Map<string, string> {
	const read = (file: string): Record<string, string> => {
		const path = join(home.path, file);
		return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>) : {};
	};
	const signature = (token: string | undefined): string => token?.split('.')[2] ?? '';
	const keys = read('data/keys.json');
	const found = new Map([
		['the secret of the tokens', keys['jwt_secret'] ?? ''],
		['the service key', signature(keys['service_role_key'])],
		["an agent's token", signature(read('data/agents/CLAUDE_1.json')['token'])],
		['a password', password],
	]);
	for (const [name, value] of Object.entries(read('data/human-key.json'))) {
		if (/private|secret/.test(name)) found.set("the human's key", value);
	}
	for (const [name, value] of found) if (value.length < 16) throw new Error(`${name} is not found`);
	return found;
}

/** Looks for the secrets wherever it is sent. */
class Look {
	readonly #tally: Tally;
	readonly #secrets: Map<string, string>;

	constructor(tally: Tally, secrets: Map<string, string>) {
		this.#tally = tally;
		this.#secrets = secrets;
	}

	add(name: string, secret: string): void {
		this.#secrets.set(name, secret);
	}

	at(where: string, text: string): void {
		const found = this.#in(text);
		this.#tally.expectHarmless(found.length === 0, `${where} shows ${found.join(' and ')}`);
	}

	/** Looks at the arguments of all processes, again and again, as another user could. */
	processes(): {stop(): void} {
		const seen = new Set<string>();
		const look = (): void => {
			for (const pid of existsSync('/proc/self/cmdline')
				? readdirSync('/proc').filter(name => /^\d+$/.test(name))
				: []) {
				let text = '';
				try {
					text = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
				} catch {
					continue;
				}
				if (this.#in(text).length > 0) seen.add(text.slice(0, 200));
			}
		};
		const timer = setInterval(look, 50);
		return {
			stop: () => {
				clearInterval(timer);
				this.#tally.expectHarmless(seen.size === 0, 'the arguments of a process show a secret', [...seen]);
			},
		};
	}

	#in(text: string): string[] {
		return [...this.#secrets].filter(([, secret]) => text.includes(secret)).map(([name]) => name);
	}
}

/** What an agent's tools and its SQL answer. */
async function answers(look: Look, agent: Awaited<ReturnType<Target['join']>>['agent']): Promise<void> {
	const calls: readonly (readonly [string, object])[] = [
		['check_messages', {}],
		['list_agents', {}],
		['list_tasks', {}],
		['search_messages', {query: 'hostile'}],
		['read_thread', {message_id: 1}],
		['send_message', {text: 'x', to: ['NOBODY']}],
		['finish_task', {task_id: 1, token: 7}],
	];
	for (const [name, args] of calls) look.at(name, JSON.stringify(await agent.call(name, args)));
	for (const sql of [
		'select * from pg_settings',
		'select * from pg_stat_activity',
		'select * from pg_roles',
		"select current_setting('request.jwt.claims', true), current_setting('request.headers', true)",
		'select * from pg_stat_statements',
		'select * from agentmux.acting',
		'select prosrc from pg_proc',
	]) {
		look.at(`execute_sql ${sql}`, await agent.sql(sql).catch(String));
	}
	look.at('a hook', await agent.hook('SessionStart'));
	look.at('a hook', await agent.hook('PostToolBatch'));
}

/** The account that an agent gets on a hosted project, and the keys of such a project. */
async function hosted(
	target: Target,
	look: Look,
	run: (words: readonly string[], env?: NodeJS.ProcessEnv) => Promise<void>,
): Promise<void> {
	const project = await startHosted(target.hub);
	try {
		const env = {
			SUPABASE_URL: project.url,
			SUPABASE_SECRET_KEY: target.hub.serviceRoleKey,
			SUPABASE_PUBLISHABLE_KEY: target.hub.anonKey,
		};
		const folder = join(target.home.path, 'hosted');
		mkdirSync(folder);
		await run(['join', 'HOSTED_1', '--dir', folder], env);
		const [user] = project.users.values();
		if (user !== undefined) look.add('the password of an account', user.password);
		for (const words of [
			['tail'],
			['agents'],
			['config'],
			['config', '--json'],
			['sql', 'select 1'],
			['thread', '99'],
		]) {
			await run(words, env);
		}
		await run(['leave', 'HOSTED_1', '--dir', folder], env);
	} finally {
		project.stop();
	}
}

/** Whatever others can read, and whatever is written to be read: logs, and the files of a joined folder. */
function files(look: Look, folder: string): void {
	for (const entry of readdirSync(folder, {withFileTypes: true, recursive: true})) {
		const path = join(entry.parentPath, entry.name);
		if (!entry.isFile() || path.includes('/data/pg/')) continue;
		const readable = (statSync(path).mode & 0o077) !== 0;
		if (readable || /\.log$|folder of|hub\.json|\.md$/.test(path)) look.at(path, readFileSync(path, 'latin1'));
	}
}
