import {renameSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {appendTo} from './log.ts';

/** One line about what was asked, answered or decided: names, numbers and times; never a key, a token or a message's content. */
export type Trace = (line: string) => void;

/** Bytes at which the file becomes trace.log.1. */
const maxSize = 16 * 1024 * 1024;

/**
 * Appends to logs/trace.log, where AGENTMUX_TRACE names the area: `AGENTMUX_TRACE=hub,gateway,hook`. Undefined where it does
 * not, so that nothing is put together for nobody.
 */
export function openTrace(
	area: 'hub' | 'gateway' | 'hook',
	logs: string,
	env: {readonly [name: string]: string | undefined},
): Trace | undefined {
	const areas = (env['AGENTMUX_TRACE'] ?? '').split(',').map(name => name.trim());
	if (!areas.includes(area)) return undefined;
	const path = join(logs, 'trace.log');
	return line => {
		try {
			const text = line.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
			appendTo(path, `${new Date().toISOString()} ${process.pid} ${area} ${text}\n`);
			if (statSync(path).size > maxSize) renameSync(path, `${path}.1`);
		} catch {
			// A folder that is not there yet, or a full disk, must not stop what is traced.
		}
	};
}

/** A request's address without its values, which may be anybody's words: `/rest/v1/messages?select&tag`. */
export function addressWithoutValues(target: string): string {
	const at = target.indexOf('?');
	if (at === -1) return target;
	const names = [...new Set(new URLSearchParams(target.slice(at + 1)).keys())];
	return `${target.slice(0, at)}?${names.join('&')}`;
}
