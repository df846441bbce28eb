import {spawn, type ChildProcessWithoutNullStreams} from 'node:child_process';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {hubProcess, isAlive} from '../../source/hub/process/find.ts';
import {onPostgres} from './engine.ts';
import './no-client.ts';
import {startedBefore} from './prepared.ts';

/** The built program, as a user has it. */
export const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

interface Ended {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

interface RunOptions {
	readonly input?: string | Buffer;
	readonly env?: NodeJS.ProcessEnv;
	readonly cwd?: string;
	/** Another than the built one. */
	readonly program?: string;
}

/** A home of its own for the program; `dispose` ends the hub that was started there. */
export class Home {
	readonly path: string;

	private constructor(path: string) {
		this.path = path;
	}

	/** One whose hub has a database already, unless it is to be `empty`. */
	static async make({name = 'agentmux-home-', empty = false} = {}): Promise<Home> {
		const path = await mkdtemp(join(tmpdir(), name));
		if (!empty && !onPostgres) await startedBefore(path);
		return new Home(path);
	}

	/** The home of a hub that a test starts and stops. */
	static at(path: string): Home {
		return new Home(path);
	}

	/** Without the developer's own configuration. */
	env(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
		const kept = Object.entries(process.env).filter(
			([name]) => !/^(AGENTMUX|SUPABASE|NO_COLOR|FORCE_COLOR|CI$)/.test(name),
		);
		return {...Object.fromEntries(kept), AGENTMUX_HOME: this.path, ...more};
	}

	start(args: readonly string[], {env, cwd, program = cli}: RunOptions = {}): ChildProcessWithoutNullStreams {
		return spawn(process.execPath, [program, ...args], {env: this.env(env), cwd: cwd ?? this.path});
	}

	/** Runs the program to its end. */
	async run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
		const child = this.start(args, options);
		let stdout = '';
		let stderr = '';
		child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
		child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
		// A program that refuses its arguments does not read what it is sent.
		child.stdin.on('error', () => undefined);
		child.stdin.end(options.input ?? '');
		const code = await new Promise<number | null>((resolve, reject) => {
			child.once('error', reject);
			child.once('close', resolve);
		});
		return {code, stdout, stderr};
	}

	/** Runs it and resolves with its stdout; throws with its stderr unless it exits 0. */
	async output(args: readonly string[], options: RunOptions = {}): Promise<string> {
		const {code, stdout, stderr} = await this.run(args, options);
		if (code !== 0) throw new Error(`agentmux ${args.join(' ')} exited ${code}: ${stderr}`);
		return stdout;
	}

	async json<T = Record<string, unknown>>(args: readonly string[], options: RunOptions = {}): Promise<T> {
		return JSON.parse(await this.output([...args, '--json'], options)) as T;
	}

	/** Nothing of it is needed any more, so its hub need not end in order. */
	async dispose(): Promise<void> {
		const [data, state, logs] = ['data', 'state', 'logs'].map(name => join(this.path, name)) as [
			string,
			string,
			string,
		];
		const hub = hubProcess({data, state, logs});
		if (hub !== null) {
			process.kill(hub, 'SIGKILL');
			while (isAlive(hub)) await sleep(5);
		}
		await rm(this.path, {recursive: true, force: true, maxRetries: 5});
	}
}
