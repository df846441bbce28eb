import {p, printable} from '../../printable.ts';
import type {Keymap} from '../settings/keymap.ts';
import type {State} from '../../store/state/state.ts';
import type {Search} from '../model/search.ts';
import {scopeOf} from '../model/scope.ts';
import {justify, textWidth, type Span, type Strip} from '../screen/strip.ts';
import {theme} from '../settings/theme.ts';
import type {Ui} from '../model/ui.ts';

/** The last row: the mode and the keys that apply; at the right, trouble with the connection. */
export function statusLine(state: State, ui: Ui): Strip {
	const {columns, notice, search, keymap} = ui;
	const mode = ui.timeline === null ? ui.mode : 'timeline';
	const scope = scopeOf(ui);
	const status = ui.overlay?.status?.(ui);
	const line: Span[] = [
		mode === 'compose'
			? {text: p` COMPOSE`, style: theme.goodStrong}
			: {text: mode === 'timeline' ? p` TIMELINE` : p` READ`, style: theme.strong},
	];
	if (status !== undefined) line.splice(0, 1, ...status);
	else if (search !== null && mode === 'read')
		line.splice(0, 1, ...searchSpans(keymap, search, notice === null && scope !== 'panel'));
	if (notice !== null) line.push({text: p`  ${printable(notice)}`, style: theme.warn});
	const words = state.trouble === null || state.trouble === '' ? p`` : p`${printable(state.trouble)} `;
	let room = columns - line.reduce((width, {text}) => width + textWidth(text), 0) - 1;
	// Trouble takes precedence over the keys.
	const wide = words !== '' && textWidth(words) + 3 <= room;
	if (wide) room -= textWidth(words) + 2;
	for (const {label, hint} of status === undefined ? keymap.hints(scope) : []) {
		room -= 3 + textWidth(label) + textWidth(hint);
		if (room < 0) break;
		line.push({text: p`  ${label}`, style: theme.text}, {text: p` ${hint}`, style: theme.grey});
	}
	return justify(line, wide ? [{text: words, style: theme.warn}] : [], columns);
}

/** The current search. */
function searchSpans({keyFor}: Keymap, {editor, hits, more, index}: Search, withKeys: boolean): Span[] {
	const text = printable(editor.text.trim());
	const words = text.length > 24 ? p`${text.slice(0, 23)}…` : text;
	const at =
		hits.length === 0 ? p`` : p`  ${index + 1} of ${printable(hits.length.toLocaleString('en'))}${more ? '+' : ''}`;
	const spans: Span[] = [
		{text: p` SEARCH`, style: theme.strong},
		{text: p` ${words}`, style: theme.text},
		{text: at, style: theme.grey},
	];
	if (!withKeys) return spans;
	return [
		...spans,
		{text: p`  ${keyFor('hit_next')} ${keyFor('hit_previous')}`, style: theme.text},
		{text: p` hits`, style: theme.grey},
		{text: p`  ${keyFor('back')}`, style: theme.text},
		{text: p` end`, style: theme.grey},
	];
}
