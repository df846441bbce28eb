import {execFileSync, spawn, spawnSync, type ChildProcess} from 'node:child_process';
import {existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {killWhole} from './real-claude.ts';

const cli = path.resolve(import.meta.dirname, '../../dist/cli.js');

export interface ModelRequest {
	readonly t: string;
	readonly agent?: string;
	readonly path?: string;
	/** Which part of the script answered it: `step 1/3`, `rule 2`, `otherwise`, `side`. */
	readonly kind?: string;
	/** The end of what came since the model last spoke. */
	readonly said?: string;
	readonly body: {readonly messages?: readonly unknown[]; readonly tools?: readonly unknown[]};
}

/** A line of the scripted model's own log. */
interface Answer {
	readonly agent?: string;
	readonly answered?: {readonly say?: string};
}

export interface Model {
	readonly url: string;
	readonly requests: () => ModelRequest[];
	/** Whether it has said this to the agent, or is about to after a delay. */
	readonly said: (agent: string, text: string) => boolean;
}

interface Terminal {
	/** The script of its model; the tag by default. */
	readonly agent?: string;
	/** The folder; the tag by default. */
	readonly folder?: string;
	/** More variables of the client. */
	readonly env?: {readonly [name: string]: string};
	/** More arguments of the client. */
	readonly words?: readonly string[];
	/** False if its session is not to be waited for. */
	readonly seen?: boolean;
}

/**
 * A temporary folder with a home of its own, and real interactive clients in tmux against a scripted model, with what join wrote and
 * nothing else. For programs in test/fixtures, which run behind the harness's sealed.sh: with nothing but loopback.
 */
export class TerminalStage {
	readonly root = mkdtempSync(path.join(tmpdir(), 'agentmux-terminals-'));
	readonly home = path.join(this.root, 'home');
	readonly #harness: string;
	readonly #env: NodeJS.ProcessEnv;
	readonly #models: ChildProcess[] = [];
	#panes = 0;
	#hasOverview = false;

	constructor(harness: string) {
		this.#harness = harness;
		this.#env = {...process.env, AGENTMUX_HOME: this.home, TMUX_TMPDIR: this.root};
		mkdirSync(this.home);
	}

	agentmux(...words: string[]): string {
		return this.agentmuxWith('', ...words);
	}

	/** With a text for it to read from stdin. */
	agentmuxWith(input: string, ...words: string[]): string {
		return execFileSync(process.execPath, [cli, ...words], {env: this.#env, encoding: 'utf8', cwd: this.root, input});
	}

	/** What the program says when it fails; empty if it does not. */
	attempt(...words: string[]): string {
		const {status, stderr} = spawnSync(process.execPath, [cli, ...words], {
			env: this.#env,
			encoding: 'utf8',
			cwd: this.root,
		});
		return status === 0 ? '' : stderr;
	}

	query(sql: string): Record<string, unknown>[] {
		return JSON.parse(this.agentmux('sql', '--json', sql)) as Record<string, unknown>[];
	}

	tmux(...words: string[]): string {
		return execFileSync('tmux', ['-L', 'agents', ...words], {env: this.#env, encoding: 'utf8'});
	}

	/** A scripted model, with a script for each agent. */
	async startModel(agents: object): Promise<Model> {
		writeFileSync(path.join(this.root, 'script.json'), JSON.stringify({agents}));
		const log = path.join(this.root, 'requests.jsonl');
		const words = [
			path.join(this.#harness, 'fake-model.mjs'),
			'--script',
			path.join(this.root, 'script.json'),
			'--log',
			log,
		];
		const child = spawn(process.execPath, words, {stdio: ['ignore', 'pipe', 'inherit']});
		this.#models.push(child);
		let said = '';
		child.stdout.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
		await until('the model listens', () => /^listening (\S+)/.test(said));
		const requests = (): ModelRequest[] =>
			existsSync(log)
				? // What stands after the last end of a line is not written yet.
					readFileSync(log, 'utf8')
						.split('\n')
						.slice(0, -1)
						.map(line => JSON.parse(line) as ModelRequest)
				: [];
		// Requests are long, and a story looks often.
		const hasSaid = (name: string, text: string): boolean =>
			said
				.split('\n')
				.slice(1, -1)
				.map(line => JSON.parse(line) as Answer)
				.some(({agent, answered}) => agent === name && answered?.say === text);
		return {url: /^listening (\S+)/.exec(said)?.[1] ?? '', requests, said: hasSaid};
	}

	/** A terminal at its prompt, in a folder that has joined as the tag. */
	async open(tag: string, url: string, terminal: Terminal = {}): Promise<number> {
		const pane = this.pane(this.#client(tag, url, terminal));
		await this.#started(pane, tag, terminal);
		return pane;
	}

	/** Another client in the pane of one that has ended. */
	async reopen(pane: number, tag: string, url: string, terminal: Terminal = {}): Promise<void> {
		this.tmux('respawn-pane', '-k', '-t', `%${pane}`, this.#client(tag, url, terminal));
		await this.#started(pane, tag, terminal);
	}

	/** The shell command of a client. */
	#client(tag: string, url: string, {agent = tag, folder = tag, env = {}, words = []}: Terminal): string {
		const variables = Object.entries({AGENTMUX_HOME: this.home, ...env}).map(([name, value]) => `${name}=${value}`);
		return [
			`CLAUDE_ENV='${variables.join(' ')}' ${path.join(this.#harness, 'claude-tui.sh')} --dir ${path.join(this.root, folder)}`,
			`--home ${path.join(this.root, `home-${agent}`)} --model-url ${url} --agent ${agent}`,
			`--mcp-names 'agentmux supabase' -- ${words.join(' ')}`,
		].join(' ');
	}

	async #started(pane: number, tag: string, {seen = true}: Terminal): Promise<void> {
		await until(`${tag} is at its prompt`, () => this.screen(pane).includes('manual mode on'));
		const known = `select 1 as n from agents where tag = '${tag}' and sessions > 0 and wake is not null`;
		if (seen) await until(`${tag} is seen`, () => this.query(known).length > 0);
	}

	/** Opens the human's own screen, in a terminal apart from the agents'. */
	openOverview(): void {
		const command = `'${process.execPath}' '${cli}'`;
		this.#overview('new-session', '-d', '-x', '160', '-y', '50', command);
		this.#hasOverview = true;
	}

	/** What the human sees there. */
	overview(): string {
		return this.#hasOverview ? this.#overview('capture-pane', '-p') : '';
	}

	#overview(...words: string[]): string {
		return execFileSync('tmux', ['-L', 'human', ...words], {env: this.#env, encoding: 'utf8'});
	}

	/** Runs a command of the shell in a terminal of its own. */
	pane(command: string): number {
		// A client that ends leaves its pane, so that its screen can still be read.
		if (this.#panes === 0)
			this.tmux('new-session', '-d', '-x', '200', '-y', '50', command, ';', 'set', '-g', 'remain-on-exit', 'on');
		else this.tmux('new-window', '-d', command);
		return this.#panes++;
	}

	screen(pane: number): string {
		return this.tmux('capture-pane', '-p', '-t', `%${pane}`);
	}

	/** Names keys as tmux does: `Enter`, `C-d`. */
	press(pane: number, ...keys: string[]): void {
		this.tmux('send-keys', '-t', `%${pane}`, ...keys);
	}

	/** Kills the client in a terminal and whatever it has started, all at once. */
	kill(pane: number): void {
		killWhole(this.#pid(pane));
	}

	/** Kills only the client in a terminal. */
	killAlone(pane: number): void {
		process.kill(this.#pid(pane), 'SIGKILL');
	}

	#pid(pane: number): number {
		return Number(this.tmux('display-message', '-p', '-t', `%${pane}`, '#{pane_pid}'));
	}

	killHub(): void {
		const {pid} = JSON.parse(this.agentmux('hub', 'status', '--json')) as {pid: number};
		process.kill(pid, 'SIGKILL');
	}

	/** The files in which a client keeps its conversations. */
	transcripts(agent: string): string[] {
		const projects = path.join(this.root, `home-${agent}/.claude/projects`);
		const folders = readdirSync(projects).map(name => path.join(projects, name));
		const files = folders.flatMap(folder => readdirSync(folder).map(name => path.join(folder, name)));
		return files.filter(file => file.endsWith('.jsonl'));
	}

	async type(pane: number, text: string): Promise<void> {
		this.press(pane, '-l', text);
		await sleep(300);
		this.press(pane, 'Enter');
	}

	joinAs(tag: string, ...words: string[]): void {
		mkdirSync(path.join(this.root, tag), {recursive: true});
		this.agentmux('join', tag, '--dir', path.join(this.root, tag), ...words);
	}

	presence(tag: string): unknown {
		return this.query(`select presence from agents where tag = '${tag}'`)[0]?.['presence'];
	}

	/** Resolves with the milliseconds until what was sent had been taken; `text` names it. */
	async timeToTake(to: string, text: string): Promise<number> {
		const at = performance.now();
		this.agentmux('send', '--to', to, text);
		const taken = `select 1 as n from receipts r join messages m on m.id = r.message_id where m.body like '%${text}%' and r.attempts > 0`;
		await until(`${text} is handed over`, () => this.query(taken).length > 0);
		return Math.round(performance.now() - at);
	}

	/** Sends several messages to an idle agent, one after the other. Resolves with what each of them took. */
	async timesToTake(to: string, count: number, name: string): Promise<number[]> {
		const took: number[] = [];
		for (let n = 1; n <= count; n += 1) {
			await until(`${to} is idle`, () => this.presence(to) === 'idle');
			took.push(await this.timeToTake(to, `${name} ${n}.`));
		}
		return took;
	}

	#closeAll(): void {
		try {
			if (this.#hasOverview) this.#overview('kill-server');
			if (this.#panes > 0) this.tmux('kill-server');
		} catch {
			// It has ended with its last client.
		}
	}

	/** Plays a scenario, and prints what came of it as JSON. */
	async play(scenario: (() => Promise<object>) | undefined): Promise<void> {
		try {
			const told = await scenario?.();
			const receipts = this.query(
				"select m.body, r.reader, r.state, r.route, r.attempts from messages m join receipts r on r.message_id = m.id where r.reader <> 'HUMAN' order by m.id, r.reader",
			);
			const log = path.join(this.home, 'logs/hook.log');
			process.stdout.write(JSON.stringify({log: existsSync(log) ? readFileSync(log, 'utf8') : '', ...told, receipts}));
		} catch (error) {
			for (let pane = 0; pane < this.#panes; pane += 1) console.error(this.screen(pane));
			console.error(this.overview());
			// What had been said and done until then.
			for (const sql of [
				`select to_char(created_at, 'HH24:MI:SS') as at, left(content, 300) as content from messages order by id`,
				'select message_id, reader, state, route, attempts, takes, session from receipts order by message_id, reader',
				'select id, status, lease_owner, attempts, left(note, 80) as note from tasks order by id',
				'select * from agent_sessions order by tag',
			])
				console.error(this.agentmux('sql', sql));
			throw error;
		} finally {
			this.#closeAll();
			for (const model of this.#models) model.kill();
			this.agentmux('hub', 'stop');
			// What still writes ends with the sealed room.
			await sleep(500);
			rmSync(this.root, {recursive: true, force: true, maxRetries: 5});
		}
	}
}

/** The texts of a request, or of a part of one. */
export function textsIn(value: unknown): string[] {
	if (typeof value === 'string') return [value];
	return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

export async function until(what: string, check: () => boolean, seconds = 60, pause = 100): Promise<void> {
	const deadline = performance.now() + seconds * 1000;
	while (!check()) {
		if (performance.now() > deadline) throw new Error(`It did not come to this in ${seconds} s: ${what}`);
		await sleep(pause);
	}
}
