import {p, printable} from '../../printable.ts';
import type {DrawInput} from '../model/ui.ts';
import type {Region, Rect} from '../screen/grid.ts';
import {clip, strip, textWidth, type Span} from '../screen/strip.ts';
import {overlayTint, tagStrong, tagStyle, theme} from '../settings/theme.ts';
import {completionsFor} from './completions.ts';

/** The list of completions above the compose line; null if there are none. */
export function completionList({state, ui}: DrawInput, rect: Rect): Region | null {
	const {mode, overlay, compose} = ui;
	const completions = mode === 'compose' && overlay === null ? completionsFor(state, compose) : [];
	if (completions.length === 0) return null;
	const column = Math.max(...completions.map(({text}) => textWidth(text)));
	const about = Math.max(...completions.map(each => textWidth(each.about)));
	const width = Math.min(rect.width - 1, column + (about === 0 ? 6 : about + 8));
	const height = completions.length;
	return {
		rect: {x: rect.x + 1, y: rect.y - 1 - height, width, height},
		lines: completions.map(({text, about: words, tag}, index) => {
			const chosen = index === compose.completion;
			const look = tag === null ? (chosen ? theme.strong : theme.text) : chosen ? tagStrong(tag) : tagStyle(tag);
			const line: Span[] = [
				{text: chosen ? p` ▌` : p`  `, style: tag === null ? theme.task : tagStyle(tag)},
				{text: printable(text), style: look},
			];
			if (words !== '') {
				line.push({text: p`${p` `.repeat(column - textWidth(text))}  ${printable(words)}`, style: theme.grey});
			}
			return {strip: clip(strip(line), width), tint: overlayTint};
		}),
	};
}
