import {readFileSync} from 'node:fs';
import {execFileSync} from 'node:child_process';

const ticks = Number(execFileSync('getconf', ['CLK_TCK'], {encoding: 'utf8'}));

/** Milliseconds of processor time that a process has used: utime and stime of /proc/PID/stat. */
export function processorTime(pid: number): number {
	const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
		.replace(/^.*\) /s, '')
		.split(' ');
	return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticks;
}

/** The most memory that a process ever had, in MB. */
export function peakMegabytes(pid: number): number {
	return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}
