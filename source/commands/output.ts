import {styleText} from 'node:util';
import stringWidth from 'string-width';
import {printable} from '../printable.ts';

type Output = NodeJS.WriteStream;
type Style = Parameters<typeof styleText>[0];

/** Writes and resolves when the operating system has it, so that what follows (a receipt) is true. */
export function write(stream: Output, text: string): Promise<void> {
	return new Promise((resolve, reject) => {
		stream.write(text, error => {
			if (error) reject(error);
			else resolve();
		});
	});
}

/** One JSON value a line; escapes whatever a terminal would act on, so that it may be printed as it is. */
export function writeJson(stream: Output, value: unknown): Promise<void> {
	return write(stream, `${jsonLine(value)}\n`);
}

// JSON leaves DEL, C1 and everything invisible above ASCII as it is.
const unsafe = /[\u007F-\u009F\u2028\u2029\p{Cf}\p{Cs}]/gu;

export function jsonLine(value: unknown): string {
	return JSON.stringify(value).replaceAll(unsafe, character =>
		Array.from({length: character.length}, (_, index) => {
			return String.raw`\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`;
		}).join(''),
	);
}

/** A remark beside the output: one line on stderr. */
export function remark(stderr: Output, sentence: string): void {
	stderr.write(`agentmux: ${printable(sentence)}\n`);
}

/** Styled when the stream is a terminal and NO_COLOR does not forbid it. */
export function styled(stream: Output, style: Style, text: string): string {
	return text === '' ? '' : styleText(style, text, {stream});
}

/** Rows under dim headings, in aligned columns two spaces apart. Cells are plain remote text and pass the gate here. */
export function table(stream: Output, headings: readonly string[], rows: readonly (readonly string[])[]): string {
	const safe = rows.map(row => row.map(printable));
	const widths = headings.map((heading, column) =>
		Math.max(stringWidth(heading), ...safe.map(row => stringWidth(row[column] ?? ''))),
	);
	const line = (cells: readonly string[]) =>
		cells
			.map((cell, column) => `${cell}${' '.repeat(Math.max(0, (widths[column] ?? 0) - stringWidth(cell)))}`)
			.join('  ')
			.trimEnd();
	return [styled(stream, 'dim', line(headings)), ...safe.map(line)].map(text => `${text}\n`).join('');
}
