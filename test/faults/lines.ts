import type {Readable} from 'node:stream';

/** Calls back for each whole line. A program that is killed may leave a part of one, which readline would pass on at the end. */
export function onLine(stream: Readable, heard: (line: string) => void): void {
	let rest = '';
	stream.setEncoding('utf8').on('data', (chunk: string) => {
		const lines = `${rest}${chunk}`.split('\n');
		rest = lines.pop() ?? '';
		for (const line of lines) heard(line);
	});
}
