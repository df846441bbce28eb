import {createRequire} from 'node:module';
import type stringWidthItself from 'string-width';
import {once} from './memo.ts';

type StringWidth = typeof stringWidthItself;

// Latin letters, general punctuation, arrows, box drawing, blocks, geometric shapes, ticks: each one column wide, and none
// joins its neighbours.
const simple =
	/^[ -~\u00A1-\u00AC\u00AE-\u02FF\u2010-\u2027\u2030-\u205E\u2190-\u2199\u2500-\u25FC\u25FF\u2713\u2717\u2937\u21B3\u21BB]*$/;

/** Whether each UTF-16 unit of a text is a character of its own, one column wide. */
export function isSimple(text: string): boolean {
	return simple.test(text);
}

const colours = /\u001B\[[\d;]*m/g;

const stringWidth = once(load);

/**
 * Like string-width, but only loads it for text other than plain letters and drawing characters: its emoji patterns cost
 * 40 ms at their first use, and Ink would measure every line of the first frame. In the bundle, Ink uses this as well
 * (rolldown.config.ts).
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
