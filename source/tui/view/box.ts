import type {Region} from '../screen/grid.ts';
import {clip, strip, textWidth, type Span} from '../screen/strip.ts';
import {overlayTint, theme} from '../settings/theme.ts';
import type {Ui} from '../model/ui.ts';
import {p} from '../../printable.ts';

const margin: Span = {text: p`   `, style: theme.text};

/** A box with lines in the middle of the screen. `tight`: without blank lines above and below. */
export function box({columns, rows}: Ui, lines: ReadonlyArray<readonly Span[]>, tight = false): Region {
	const widest = Math.max(...lines.map(line => line.reduce((sum, {text}) => sum + textWidth(text), 0)));
	const width = Math.min(columns, widest + 6);
	const height = Math.min(rows - 3, lines.length + (tight ? 0 : 2));
	const x = Math.floor((columns - width) / 2);
	const y = Math.max(1, Math.floor((rows - 2 - height) / 2));
	return {
		rect: {x, y, width, height},
		lines: (tight ? lines : [[], ...lines, []]).map(line => ({
			strip: clip(strip([margin, ...line]), width),
			tint: overlayTint,
		})),
	};
}
