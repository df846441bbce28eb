import {renameSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {appendToOwnFile} from './whole-file.ts';

/** Logs a line about a request, a response or a decision: names, numbers and times; never a key, a token or the content of a message. */
export type Trace = (line: string) => void;

/** Bytes at which the file is renamed to trace.log.1. */
const maxSize = 16 * 1024 * 1024;

/**
 * Appends to logs/trace.log if AGENTMUX_TRACE names the area: `AGENTMUX_TRACE=hub,gateway,hook`. Otherwise undefined, so that callers
 * need not format lines that are not used.
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
			appendToOwnFile(path, `${new Date().toISOString()} ${process.pid} ${area} ${text}\n`);
			if (statSync(path).size > maxSize) renameSync(path, `${path}.1`);
		} catch {
			// An error here, as with a missing folder or a full disk, must not stop the program.
		}
	};
}

/** A request's URL without the values of parameters, which may be the text of messages: `/rest/v1/messages?select&tag`. */
export function addressWithoutValues(target: string): string {
	const at = target.indexOf('?');
	if (at === -1) return target;
	const names = [...new Set(new URLSearchParams(target.slice(at + 1)).keys())];
	return `${target.slice(0, at)}?${names.join('&')}`;
}
