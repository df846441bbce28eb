import {readFileSync} from 'node:fs';

/** A process, so that another one that gets its id later is not taken for it. */
export interface RunningProcess {
	readonly pid: number;
	/** When it started, in the system's own words; null if the system does not say. */
	readonly start: string | null;
}

/** The process as it is now. On macOS this starts `ps`. */
export function processOf(pid: number): RunningProcess {
	return {pid, start: startOf(pid)};
}

/** The ids of the processes that started this one, the nearest first, as far as the system says. On macOS this starts `ps`. */
export function processesAbove(): number[] {
	const parentOf = process.platform === 'darwin' ? parentsByPs() : parentByProc;
	const above: number[] = [];
	for (let pid: number | undefined = process.ppid; pid !== undefined && pid > 1 && !above.includes(pid);) {
		above.push(pid);
		pid = parentOf(pid);
	}
	return above;
}

function parentByProc(pid: number): number | undefined {
	const parent = Number(statOf(pid)?.[1]);
	return Number.isSafeInteger(parent) ? parent : undefined;
}

function parentsByPs(): (pid: number) => number | undefined {
	try {
		const text = ps('-axo', 'pid=,ppid=');
		const pairs = text.split('\n').map(line => line.trim().split(/\s+/).map(Number));
		const parents = new Map(pairs.map(([pid = 0, parent = 0]) => [pid, parent]));
		return pid => parents.get(pid);
	} catch {
		return () => undefined;
	}
}

/** The fields of proc_pid_stat(5) from the third on; undefined if there is no such process. */
function statOf(pid: number): string[] | undefined {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
		// The name before them, in parentheses, may contain anything.
		return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
	} catch {
		return undefined;
	}
}

/** Whether it is still running. A zombie is not. */
export function isRunning({pid, start}: RunningProcess): boolean {
	try {
		process.kill(pid, 0);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
	}
	return start === null || startOf(pid) === start;
}

function startOf(pid: number): string | null {
	try {
		if (process.platform === 'linux') {
			const fields = statOf(pid);
			if (fields === undefined) return null;
			// The state is field 3, the start field 22, in ticks since the boot.
			if (fields[0] === 'Z' || fields[0] === 'X') return 'ended';
			return `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()} ${fields[19] ?? ''}`;
		}
		if (process.platform === 'win32') return null;
		return ps('-o', 'lstart=', '-p', String(pid)).trim() || null;
	} catch {
		return null;
	}
}

/** For systems without /proc; only there is the module loaded. */
function ps(...words: string[]): string {
	const {execFileSync} = process.getBuiltinModule('node:child_process');
	return execFileSync('ps', words, {encoding: 'utf8', timeout: 1000});
}
