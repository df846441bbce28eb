import {execFileSync} from 'node:child_process';
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
			// proc_pid_stat(5): the name, in parentheses, may contain anything; the state is field 3, the start field 22, in ticks since the boot.
			const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
			const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
			if (fields[0] === 'Z' || fields[0] === 'X') return 'ended';
			return `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()} ${fields[19] ?? ''}`;
		}
		if (process.platform === 'win32') return null;
		return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {encoding: 'utf8', timeout: 1000}).trim() || null;
	} catch {
		return null;
	}
}
