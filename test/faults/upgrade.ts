import {spawn, type ChildProcess} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {fire, placeAgent} from '../helpers/hook.ts';
import type {TestHub} from '../helpers/hub.ts';
import {startAgent} from '../helpers/mcp.ts';
import {Home} from '../helpers/program.ts';
import {spawn as spawnTerminal, type TestTerminal} from '../helpers/terminal.ts';
import type {Fault, Outcome} from './faults.ts';
import {addressOf, onEngine} from './on-engine.ts';
import {installPackage} from './package-copy.ts';
import {query, Writers} from './writers.ts';

/** Milliseconds in which everyone is back on a busy machine. */
const timeout = 30_000;

/** What works on a mailbox while it is changed under it, all of it started from one installed package. */
interface Company {
	readonly screen: TestTerminal;
	/** The bodies that `tail` has printed. */
	readonly printed: readonly string[];
	readonly server: Awaited<ReturnType<typeof startAgent>>;
	/** All error output of one of them. */
	said(): string;
	end(): Promise<void>;
}

async function gather(hub: TestHub, cli: string): Promise<Company> {
	const {home} = hub;
	for (const tag of ['UPGRADED', 'HOOKED']) placeAgent(home, tag, {key: hub.anonKey, token: hub.tokenFor(tag)});
	const screen = spawnTerminal([process.execPath, cli], {cols: 160, rows: 40, cwd: home, env: {AGENTMUX_HOME: home}});
	const tail: ChildProcess = spawn(process.execPath, [cli, 'tail', '--follow', '--json', '--since', '0'], {
		env: Home.at(home).env(),
		cwd: home,
	});
	const printed: string[] = [];
	let rest = '';
	let errors = '';
	tail.stdout?.setEncoding('utf8').on('data', (text: string) => {
		const lines = (rest + text).split('\n');
		rest = lines.pop() ?? '';
		printed.push(...lines.map(line => (JSON.parse(line) as {body: string}).body));
	});
	tail.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
	const server = await startAgent(home, 'UPGRADED', {}, cli);
	await screen.waitFor('live', timeout);
	return {
		screen,
		printed,
		server,
		said: () => `${errors}${server.stderr()}`,
		async end() {
			tail.kill('SIGKILL');
			screen.kill('SIGKILL');
			await server.close().catch(() => undefined);
			await screen.exited;
		},
	};
}

async function until(holds: () => boolean | Promise<boolean>): Promise<boolean> {
	for (const end = Date.now() + timeout; Date.now() < end; await sleep(50)) if (await holds()) return true;
	return false;
}

/** Sends a message and looks whether everyone has it, each in its way and once. */
async function reaches(hub: TestHub, company: Company, cli: string, when: string, faults: string[]): Promise<void> {
	const {screen, printed, server} = company;
	const word = `word-${crypto.randomUUID().slice(0, 8)}`;
	const {code, stderr} = await Home.at(hub.home).run(['send', `@UPGRADED @HOOKED ${word}`], {program: cli});
	if (code !== 0) faults.push(`${when}: send said ${stderr}`);
	if (!(await until(() => printed.some(body => body.includes(word))))) faults.push(`${when}: tail printed nothing`);
	if (printed.filter(body => body.includes(word)).length > 1) faults.push(`${when}: tail printed it twice`);
	await screen.waitFor(word, timeout).catch(() => faults.push(`${when}: the screen shows\n${screen.text()}`));
	let mail = '';
	const handed = await until(async () => {
		mail = (await server.call('check_messages')).text;
		return mail.includes(word);
	}).catch((error: unknown) => {
		mail = String(error);
		return false;
	});
	if (!handed) faults.push(`${when}: the MCP server handed over ${mail}`);
	const program = join(dirname(cli), 'hook.cjs');
	let said = '';
	const hooked = await until(async () => {
		said = (await fire({home: hub.home, tag: 'HOOKED', event: 'PostToolBatch', program})).stdout;
		return said.includes(word);
	});
	if (!hooked) faults.push(`${when}: the hook said ${said}`);
}

/** Asks for parts that the screen loads only then, and that are not there any more: it says so, and goes on. */
async function askForMore(hub: TestHub, {screen}: Company, when: string, faults: string[]): Promise<void> {
	const shows = async (keys: string, what: Parameters<TestTerminal['waitFor']>[0]): Promise<void> => {
		screen.write(keys);
		await screen
			.waitFor(what, timeout)
			.catch((error: unknown) => faults.push(`${when}, after ${JSON.stringify(keys)}: ${String(error)}`));
	};
	await query(
		hub,
		"insert into messages (content) values (E'[CODER] @UPGRADED look:\\n```js\\nconst answer = 42;\\n```')",
	);
	await shows('', /const answer = 42/);
	await shows('', /Another version of agentmux was installed/);
	await shows('T', 'TIMELINE');
	await shows('\u001B', rows => rows.join('').includes('READ'));
}

/**
 * Another version takes the place of the package while a screen, a tail, an MCP server and hooks run from it and messages are
 * written. `migrates`: it also brings a migration, and its first command replaces the hub.
 */
function upgraded(trials: number, migrates: boolean): Promise<Outcome> {
	return onEngine('pglite', async (start, home) => {
		const folder = mkdtempSync(join(tmpdir(), 'agentmux-package-'));
		const faults: string[] = [];
		const recovered: number[] = [];
		const writers = new Writers();
		try {
			const cli = installPackage(folder, {version: '0.1.0'});
			const hub = await start({}, {cli});
			const company = await gather(hub, cli);
			try {
				writers.start(hub, 1);
				await reaches(hub, company, cli, 'before', faults);
				await writers.stop();
				for (let trial = 1; trial <= trials; trial += 1) {
					const when = `after upgrade ${trial}`;
					const migration = `create table agentmux.later_${trial} (id int);`;
					installPackage(folder, {version: `0.2.${trial}`, renamed: true, ...(migrates ? {migration} : {})});
					const at = performance.now();
					await reaches(hub, company, cli, when, faults);
					recovered.push(performance.now() - at);
					const current = await addressOf(hub);
					if (migrates && current.pid === hub.pid) faults.push(`${when}: the hub was not replaced`);
					const now = {...hub, url: current.url, serviceRoleKey: current.service_role_key};
					if (trial === 1) await askForMore(now, company, when, faults);
					await reaches(hub, company, cli, `${when}, later`, faults);
				}
				const shown = `${company.said()}\n${company.screen.text()}`;
				if (/\n\s+at .*:\d+|Cannot find|ERR_|went wrong/.test(shown)) faults.push(`somebody said ${shown}`);
				const current = await addressOf(hub);
				return {
					trials,
					recovered,
					faults,
					...(await writers.find({...hub, url: current.url, serviceRoleKey: current.service_role_key})),
				};
			} finally {
				await company.end();
			}
		} finally {
			await Home.at(home).run(['hub', 'stop']);
			rmSync(folder, {recursive: true, force: true});
		}
	});
}

/** An older backup is put back while a screen, a tail, an MCP server and hooks are connected. */
function restored(trials: number): Promise<Outcome> {
	return onEngine('pglite', async (start, home) => {
		const folder = mkdtempSync(join(tmpdir(), 'agentmux-package-'));
		const faults: string[] = [];
		const recovered: number[] = [];
		const program = Home.at(home);
		try {
			const cli = installPackage(folder);
			const hub = await start({}, {cli});
			const company = await gather(hub, cli);
			try {
				for (let trial = 1; trial <= trials; trial += 1) {
					const when = `restore ${trial}`;
					const file = join(folder, `${trial}.tar.gz`);
					await reaches(hub, company, cli, `before ${when}`, faults);
					await program.output(['hub', 'backup', file]);
					// What is lost with the restore: so many that the ids of those after it are below the cursors' or the same.
					for (let nth = 0; nth < 10; nth += 1)
						await program.output(['send', `of the history that goes ${trial}.${nth}`]);
					await reaches(hub, company, cli, `after backup ${trial}`, faults);
					const before = company.printed.length;
					const at = performance.now();
					await program.output(['hub', 'restore', file]);
					await reaches(hub, company, cli, `after ${when}`, faults);
					recovered.push(performance.now() - at);
					const again = company.printed.slice(before).length;
					// One message was written since; a few may have been on their way.
					if (again > 3) faults.push(`${when}: tail printed ${again} messages again`);
					if (!/replaced|another history/i.test(company.said()))
						faults.push(`${when}: tail did not say it: ${company.said()}`);
				}
				return {trials, recovered, faults};
			} finally {
				await company.end();
			}
		} finally {
			await program.run(['hub', 'stop']);
			rmSync(folder, {recursive: true, force: true});
		}
	});
}

const company = 'under a screen, a tail, an MCP server and hooks';

export const upgrade: readonly Fault[] = [
	{what: `package replaced ${company}`, long: true, trials: 2, seconds: 30, run: trials => upgraded(trials, false)},
	{
		what: `package and hub replaced ${company}`,
		trials: 1,
		longTrials: 2,
		seconds: 15,
		run: trials => upgraded(trials, true),
	},
	{what: `an older backup restored ${company}`, long: true, trials: 2, seconds: 40, run: restored},
];
