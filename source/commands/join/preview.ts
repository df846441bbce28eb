import {structuredPatch} from 'diff';
import type {Edit} from '../../join/files/file-edit.ts';
import {joinPrintable, p, printable, type Printable} from '../../printable.ts';

/** The changes of a file with three lines of context; all lines of a new file. */
export function previewOf({file, before, after}: Edit): Printable {
	if (before === after) return p`${printable(file)} is unchanged.\n`;
	const {hunks} = structuredPatch('', '', before ?? '', after ?? '', undefined, undefined, {context: 3});
	const lines = hunks.flatMap(({oldStart, oldLines, newStart, newLines, lines: changed}) =>
		before === null ? changed : [`@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`, ...changed],
	);
	return joinPrintable([p`${printable(file)}${before === null ? ' (new)' : ''}`, ...lines.map(printable), p``], '\n');
}
