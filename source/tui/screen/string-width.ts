import {createRequire} from 'node:module';
import type stringWidthItself from 'string-width';
import {once} from './memo.ts';

type StringWidth = typeof stringWidthItself;

// Letters of the Latin scripts, general punctuation, arrows, box drawing, blocks, geometric shapes, ticks: each one column
// wide on its own, and none that joins its neighbours.
const simple =
	/^[ -~\u00A1-\u00AC\u00AE-\u02FF\u2010-\u2027\u2030-\u205E\u2190-\u2199\u2500-\u25FC\u25FF\u2713\u2717\u2937\u21B3\u21BB]*$/;

const colours = /\u001B\[[\d;]*m/g;

const stringWidth = once(load);

/**
 * What string-width says, without loading it for plain letters and drawing characters: its patterns of pictographs cost
 * 40 ms at their first use, and Ink would ask about every line of the first frame. The bundle puts this in the place of
 * string-width for Ink too (rolldown.config.ts).
 */
export default function width(text: string, options: Parameters<StringWidth>[1] = {}): number {
	if (options.ambiguousIsNarrow !== false) {
		if (simple.test(text)) return text.length;
		if (options.countAnsiEscapeCodes !== true) {
			const bare = text.replaceAll(colours, '');
			if (simple.test(bare)) return bare.length;
		}
	}
	return stringWidth()(text, options);
}

function load(): StringWidth {
	const loaded: {default: StringWidth} = createRequire(import.meta.url)('string-width');
	return loaded.default;
}
