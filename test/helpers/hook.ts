import {spawn} from 'node:child_process';
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {foldTag} from '../../source/mailbox/tag.ts';

/** The built hook, as a client starts it. */
export const hookProgram = fileURLToPath(new URL('../../dist/hook.cjs', import.meta.url));

export interface HookEnd {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
	/** Milliseconds. */
	readonly took: number;
}

interface Event {
	readonly home: string;
	readonly tag: string;
	readonly event: string;
	/** Whose hook it is; Claude Code's when absent. */
	readonly client?: string;
	/** Additional fields of stdin. A string is all of it; null leaves it open. */
	readonly input?: object | string | null;
	readonly env?: NodeJS.ProcessEnv;
	/** More words of the line that join wrote. */
	readonly flags?: readonly string[];
	/** Another than the built one. */
	readonly program?: string;
}

/** Runs the hook to its end. */
export function fire({
	home,
	tag,
	event,
	client,
	input = {},
	env = {},
	flags = [],
	program = hookProgram,
}: Event): Promise<HookEnd> {
	const kept = Object.entries(process.env).filter(([name]) => !/^(AGENTMUX|SUPABASE|CLAUDE)_/.test(name));
	const begin = performance.now();
	const words = [event, '--as', tag, ...(client === undefined ? [] : ['--client', client]), ...flags];
	const child = spawn(process.execPath, [program, ...words], {
		// A busy machine must not make it give up, unless that is tested.
		env: {...Object.fromEntries(kept), AGENTMUX_HOME: home, AGENTMUX_HOOK_TIMEOUT: '10000', ...env},
	});
	let stdout = '';
	let stderr = '';
	child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
	child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
	child.stdin.on('error', () => undefined);
	if (typeof input === 'string') child.stdin.end(input);
	else if (input !== null)
		child.stdin.end(JSON.stringify({session_id: 's1', hook_event_name: event, cwd: home, ...input}));
	return new Promise((resolve, reject) => {
		child.once('error', reject);
		child.once('close', code => {
			child.stdin.destroy();
			resolve({code, stdout, stderr, took: performance.now() - begin});
		});
	});
}

/** What `agentmux join` leaves for the hook. */
export function placeAgent(home: string, tag: string, place: {url?: string; key?: string; token?: string}): void {
	mkdirSync(join(home, 'data/agents'), {recursive: true, mode: 0o700});
	writeFileSync(join(home, 'data/agents', `${foldTag(tag)}.json`), JSON.stringify({tag, ...place}), {mode: 0o600});
}
