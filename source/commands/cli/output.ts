import {styleText} from 'node:util';
import stringWidth from 'string-width';
import {joinPrintable, p, printable, printableJson, withStyle, writeTo, type Printable} from '../../printable.ts';
import {asTyped} from './called.ts';

type Output = NodeJS.WriteStream;
type Style = Parameters<typeof styleText>[0];

/** Writes, and resolves when the operating system has accepted it, so that a receipt sent afterwards is true. */
export function write(stream: Output, text: Printable): Promise<void> {
	return new Promise((resolve, reject) => {
		stream.write(text, error => {
			if (error) reject(error);
			else resolve();
		});
	});
}

/** One JSON value on a line. */
export function writeJson(stream: Output, value: unknown): Promise<void> {
	return write(stream, jsonLine(value));
}

/** One JSON value and a line end; escapes everything that a terminal would act on or not show. */
export function jsonLine(value: unknown): Printable {
	return p`${printableJson(value)}\n`;
}

/** Writes a remark on stderr, as one line. The sentence may be any text. */
export function remark(stderr: Output, sentence: string): void {
	writeTo(stderr, p`agentmux: ${printable(asTyped(sentence))}\n`);
}

/** Styled if the stream is a terminal and NO_COLOR is not set. */
export function styled(stream: Output, style: Style, text: Printable): Printable {
	return withStyle(text, plain => (plain === '' ? plain : styleText(style, plain, {stream})));
}

/** Rows under dim headings, in aligned columns two spaces apart. Headings and cells may be remote text: `printable` is applied here. */
export function table(stream: Output, headings: readonly string[], rows: readonly (readonly string[])[]): Printable {
	const [first = [], ...safe] = [headings, ...rows].map(row => row.map(printable));
	const widths = first.map((heading, column) =>
		Math.max(stringWidth(heading), ...safe.map(row => stringWidth(row[column] ?? ''))),
	);
	const line = (cells: readonly Printable[]): Printable =>
		joinPrintable(
			cells.map((cell, column) =>
				withStyle(cell, text => text + ' '.repeat((widths[column] ?? 0) - stringWidth(text))),
			),
			'  ',
		).trimEnd();
	return joinPrintable([styled(stream, 'dim', line(first)), ...safe.map(line), ''], '\n');
}
