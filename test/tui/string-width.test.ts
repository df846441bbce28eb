import fc from 'fast-check';
import stringWidth from 'string-width';
import {describe, expect, it} from 'vitest';
import width from '../../source/tui/screen/string-width.ts';

describe('the shortcut to string-width', () => {
	it('says the same of every character of the first plane', () => {
		const different = Array.from({length: 0x1_00_00}, (_, code) => String.fromCharCode(code)).filter(
			character => width(character) !== stringWidth(character),
		);
		expect(different).toEqual([]);
	});

	it('says the same of mixed text, with and without colours', () => {
		const piece = fc.oneof(
			fc.string({unit: 'binary', maxLength: 5}),
			fc.constantFrom('▁▂█', '●◐○◌', '│─', '✓✗', '→…', '\u001B[1m', '\u001B[38;2;1;2;3m', '\u001B[0m', '👍🏽', 'é', '漢'),
		);
		const options = fc.constantFrom({}, {countAnsiEscapeCodes: true}, {ambiguousIsNarrow: false});
		fc.assert(
			fc.property(fc.array(piece), options, (pieces, given) => {
				expect(width(pieces.join(''), given)).toBe(stringWidth(pieces.join(''), given));
			}),
			{numRuns: 2000},
		);
	});
});
