import {execFileSync, spawn, type ChildProcess} from 'node:child_process';
import {existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';

const cli = path.resolve(import.meta.dirname, '../../dist/cli.js');

/** One run of a real client. */
export interface Ran {
	readonly code: number | null;
	readonly seconds: number;
	readonly result: unknown;
	/** The requests to the model, as text. */
	readonly requests: string[];
}

interface Running {
	readonly ran: Promise<Ran>;
	/** Kills it and all processes that it started. */
	kill(): void;
}

/**
 * A temporary folder with a home of its own, in which real clients run against a scripted model. For programs in
 * test/fixtures, which run behind the harness's sealed.sh: with nothing but loopback.
 */
export class Stage {
	readonly root = mkdtempSync(path.join(tmpdir(), 'agentmux-claude-'));
	readonly home = path.join(this.root, 'home');
	readonly #harness: string;
	readonly #env: NodeJS.ProcessEnv;

	constructor(harness: string) {
		this.#harness = harness;
		this.#env = {...process.env, AGENTMUX_HOME: this.home};
		mkdirSync(this.home);
	}

	agentmux(...words: string[]): string {
		return execFileSync(process.execPath, [cli, ...words], {env: this.#env, encoding: 'utf8', cwd: this.root});
	}

	/** `claude -p` in a folder below the root, by default that of its name. `allow`: tools that it may use, beside Bash. */
	claude(
		name: string,
		steps: object[],
		{folder = name, allow = 'mcp__agentmux__send_message'}: {folder?: string; allow?: string} = {},
	): Running {
		const out = path.join(this.root, `out-${name}`);
		const script = `${out}.json`;
		writeFileSync(script, JSON.stringify({steps, otherwise: {say: 'nothing fits'}}));
		const begin = performance.now();
		const child = spawn(
			path.join(this.#harness, 'run-claude.sh'),
			// prettier-ignore
			['--dir', path.join(this.root, folder), '--out', out, '--script', script, '--prompt', 'go', '--timeout', '90',
				'--allow', `Bash ${allow}`],
			{env: {...this.#env, CLAUDE_ENV: `AGENTMUX_HOME=${this.home} AGENTMUX_HOOK_TIMEOUT=4000`}, stdio: 'inherit'},
		);
		return {ran: ended(child, out, begin), kill: () => killWhole(child.pid ?? 0)};
	}

	/** Sends it as the human once a client's shell has touched the file: what is sent there would be the agent's own. */
	async sendAt(file: string, ...words: string[]): Promise<void> {
		while (!existsSync(file)) await sleep(100);
		this.agentmux('send', ...words);
		rmSync(file);
	}

	/** What the hooks noted for the human. */
	log(): string {
		const file = path.join(this.home, 'logs/hook.log');
		return existsSync(file) ? readFileSync(file, 'utf8') : '';
	}

	sql(query: string): unknown {
		return JSON.parse(this.agentmux('sql', '--json', query));
	}

	dispose(): void {
		this.agentmux('hub', 'stop');
		rmSync(this.root, {recursive: true, force: true, maxRetries: 5});
	}
}

async function ended(child: ChildProcess, out: string, begin: number): Promise<Ran> {
	const code = await new Promise<number | null>(resolve => {
		child.once('close', resolve);
	});
	const lines = readFileSync(path.join(out, 'requests.jsonl'), 'utf8').trim().split('\n');
	const result = readFileSync(path.join(out, 'result.json'), 'utf8');
	return {
		code,
		seconds: (performance.now() - begin) / 1000,
		result: result === '' ? null : (JSON.parse(result) as {result?: unknown}).result,
		requests: lines.map(line => JSON.stringify((JSON.parse(line) as {body?: unknown}).body ?? JSON.parse(line))),
	};
}

/** Kills a process and all that it has started, whatever process groups they are in: `timeout`, say, makes one of its own. */
export function killWhole(pid: number): void {
	const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
	process.kill(pid, 'SIGKILL');
	for (const child of children === '' ? [] : children.split(' ')) killWhole(Number(child));
}

/** A tool call of the scripted model. */
export const call = (name: string, input: object = {}): object => ({name, input});
export const shell = (command: string): object => call('Bash', {command, description: 'a command'});
/** The program, as a shell takes it. */
const program = `'${process.execPath}' '${cli}'`;
/** Touches a file and waits until it is removed, so that the driver can act while the tool is running. */
export const handshake = (file: string): string => `touch '${file}'; while [ -e '${file}' ]; do sleep 0.1; done`;
/** Until the mailbox holds the text; says nothing of it, so that only a hook can. */
export const until = (text: string): object => shell(`until ${program} tail | grep -q '${text}'; do sleep 0.2; done`);
