import {fileURLToPath} from 'node:url';
import {Worker} from 'node:worker_threads';

export interface Ended {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

interface ThreadOptions {
	readonly env: NodeJS.ProcessEnv;
	readonly cwd: string;
	readonly input: string | Buffer;
}

const program = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

/** Where the threads that run now are; null if there are none. */
let place: {readonly cwd: string; readonly former: string; count: number} | null = null;

/**
 * The built program in a thread with modules, environment and streams of its own. Threads share their folder with the process:
 * null if another one runs elsewhere.
 */
export async function runInThread(args: readonly string[], {env, cwd, input}: ThreadOptions): Promise<Ended | null> {
	if (!enter(cwd)) return null;
	try {
		const thread = new Worker(program, {argv: [...args], env, execArgv: [], stdin: true, stdout: true, stderr: true});
		thread.stdin?.on('error', () => undefined);
		thread.stdin?.end(input);
		const [stdout, stderr, code] = await Promise.all([
			textOf(thread.stdout),
			textOf(thread.stderr),
			new Promise<number>((resolve, reject) => {
				thread.once('error', reject);
				thread.once('exit', resolve);
			}),
		]);
		return {code, stdout, stderr};
	} finally {
		leave();
	}
}

export async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
	let text = '';
	for await (const chunk of stream.setEncoding('utf8')) text += String(chunk);
	return text;
}

function enter(cwd: string): boolean {
	if (place === null) {
		const former = process.cwd();
		try {
			process.chdir(cwd);
		} catch {
			return false;
		}
		place = {cwd, former, count: 0};
	}
	if (place.cwd !== cwd) return false;
	place.count += 1;
	return true;
}

function leave(): void {
	if (place === null) return;
	place.count -= 1;
	if (place.count > 0) return;
	process.chdir(place.former);
	place = null;
}
