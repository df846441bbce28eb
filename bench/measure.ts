import {spawnSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {cpus, tmpdir, totalmem} from 'node:os';
import path from 'node:path';
import {clientVariables} from '../source/join/clients/running-client.ts';

/** One line of the table: what was measured, what it is held against, and whether the goal was met. */
export interface Figure {
	readonly what: string;
	readonly measured: string;
	/** The floor or peer of the same run. */
	readonly floor: string;
	readonly goal: string;
	/** null: no goal was set. */
	readonly met: boolean | null;
}

export const cli = path.resolve(import.meta.dirname, '../dist/cli.js');

export function quantile(values: readonly number[], at: number): number {
	const sorted = values.toSorted((one, other) => one - other);
	return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * at))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
	return quantile(values, 0.5);
}

export function ms(value: number): string {
	return `${value.toFixed(value < 20 ? 1 : 0)} ms`;
}

/** p50, p95 and p99 in one cell. */
export function spread(values: readonly number[]): string {
	return `p50 ${ms(median(values))}, p95 ${ms(quantile(values, 0.95))}, p99 ${ms(quantile(values, 0.99))} (n=${values.length})`;
}

export function pause(milliseconds: number): Promise<void> {
	return new Promise(resolve => {
		setTimeout(resolve, milliseconds);
	});
}

const unfinished = new Set<() => unknown>();

/**
 * Has `end` called when this process ends early: it is interrupted, or something throws. It must do its work before it returns. The
 * result is to be called when there is nothing left to end.
 */
export function endAtExit(end: () => unknown): () => void {
	if (unfinished.size === 0 && process.listenerCount('exit', endAll) === 0) {
		process.on('exit', endAll);
		// Without this, a signal ends the process at once, and a hub would go on.
		const codes = {SIGHUP: 129, SIGINT: 130, SIGTERM: 143} as const;
		for (const [signal, code] of Object.entries(codes)) process.on(signal, () => process.exit(code));
	}
	unfinished.add(end);
	return () => unfinished.delete(end);
}

function endAll(): void {
	for (const end of [...unfinished].toReversed()) {
		try {
			end();
		} catch (error) {
			console.error(error);
		}
	}
}

/** A home of its own, with nothing of this terminal's settings in the environment. A hub in it is ended at the latest with this process. */
export function freshHome(): {home: string; env: NodeJS.ProcessEnv; remove: () => void} {
	const home = mkdtempSync(path.join(tmpdir(), 'agentmux-bench-'));
	const kept = Object.entries(process.env).filter(
		([name]) => name !== 'CI' && !/^(SUPABASE|AGENTMUX)_/.test(name) && !clientVariables.includes(name),
	);
	const env = {...Object.fromEntries(kept), AGENTMUX_HOME: home};
	const isEnded = endAtExit(() => {
		agentmux(env, 'hub', 'stop');
		// A screen that ends at the same time may still write.
		rmSync(home, {recursive: true, force: true, maxRetries: 5, retryDelay: 50});
	});
	return {
		home,
		env,
		remove() {
			isEnded();
			rmSync(home, {recursive: true, force: true});
		},
	};
}

export interface Hub {
	readonly url: string;
	readonly pid: number;
	readonly key: string;
	readonly home: string;
	readonly env: NodeJS.ProcessEnv;
}

/** Gives `work` a running hub in a home of its own; the hub is ended and the home removed afterwards. */
export async function withHub<T>(work: (hub: Hub) => Promise<T>, variables: NodeJS.ProcessEnv = {}): Promise<T> {
	const {home, env: fresh, remove} = freshHome();
	const env = {...fresh, ...variables};
	try {
		agentmux(env, 'hub', 'start');
		const {url, pid} = JSON.parse(agentmux(env, 'hub', 'status', '--json')) as {url: string; pid: number};
		const key = /^SERVICE_ROLE_KEY="?([^"\n]+)/m.exec(agentmux(env, 'hub', 'status', '-o', 'env'))?.[1] ?? '';
		return await work({url, pid, key, home, env});
	} finally {
		agentmux(env, 'hub', 'stop');
		remove();
	}
}

/** Runs the built program to its end; throws with what it said when it fails. */
export function agentmux(env: NodeJS.ProcessEnv, ...words: string[]): string {
	const {status, stdout, stderr} = spawnSync(process.execPath, [cli, ...words], {env, encoding: 'utf8'});
	if (status !== 0) throw new Error(`agentmux ${words.join(' ')} ended with ${status}: ${stderr}`);
	return stdout;
}

/** One REST insert as any client would make it; resolves when the hub has answered. */
export async function insert(hub: Hub, content: string): Promise<void> {
	await insertInto(hub, 'messages', {content});
}

/** One INSERT over REST, as the service role. */
export async function insertInto(hub: Hub, table: string, row: object): Promise<void> {
	const response = await fetch(`${hub.url}/rest/v1/${table}`, {
		method: 'POST',
		headers: {
			apikey: hub.key,
			authorization: `Bearer ${hub.key}`,
			'content-type': 'application/json',
			prefer: 'return=minimal',
		},
		body: JSON.stringify(row),
	});
	await response.arrayBuffer();
	if (response.status !== 201) throw new Error(`an insert was answered with ${response.status}`);
}

/** Resident memory of a process in MB, from /proc. */
export function residentMegabytes(pid: number): number {
	return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

export function machine(): string {
	const [cpu] = cpus();
	return `${cpus().length} shared cores (${cpu?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}, Node ${process.versions.node}`;
}
