import type {Message} from '../../mailbox/message.ts';
import type {SearchedTo} from '../../mailbox/query.ts';
import {p, printable, printableLines, type Printable} from '../../printable.ts';
import type {State} from '../../store/state/state.ts';
import {messageHead} from '../panes/message-block.ts';
import type {PaintedLine} from '../screen/grid.ts';
import {clip, joinStrips, strip, type Span} from '../screen/strip.ts';
import {selectedTint, tagStyle, theme} from '../settings/theme.ts';
import {clockTime, counted} from '../settings/words.ts';
import {withMatchesHighlighted, matchRanges} from '../model/matches.ts';
import type {DrawInput, OverlayRegion} from '../model/ui.ts';
import {panel, panelKeys, panelRect, roomIn} from './panel.ts';
import type {Search} from '../model/search.ts';

/** Rows of one hit: its head, and the line that matches. */
const hitRows = 2;

/** Draws the search and its hits. */
export function searchPanel({state, ui, now}: DrawInput): OverlayRegion | null {
	const {columns, rows, search, keymap} = ui;
	if (search === null) return null;
	const rect = panelRect(columns, rows);
	return panel({
		rect,
		prompt: {text: p`  / `, style: theme.strong},
		placeholder: p`search all of history`,
		editor: search.editor,
		faults: search.faults,
		count: resultCount(search, now),
		lines:
			search.editor.text.trim() === ''
				? hintLines(ui.recent.searches, rect.width, roomIn(rect))
				: hitLines(state, search, rect.width, roomIn(rect), now),
		keys: panelKeys(
			keymap,
			p`select`,
			p`end`,
			columns < 60 ? '' : p`then ${keymap.keyFor('hit_next')} ${keymap.keyFor('hit_previous')} older, newer`,
		),
	});
}

/** How many hits there are, or why there are none. */
function resultCount({editor, hits, more, searchedTo, phase, failure, index}: Search, now: number): Span {
	if (editor.text.trim() === '') return {text: p``, style: theme.grey};
	switch (phase) {
		case 'idle':
		case 'asking':
			if (searchedTo !== null) return {text: soFar(hits.length, index, searchedTo, now), style: theme.grey};
			return {text: hits.length === 0 ? p`searching` : p`${counted(hits.length, 'hit')}, searching`, style: theme.grey};
		case 'failed':
			return {text: printable(failure ?? 'failed'), style: theme.bad};
		case 'local':
			return {text: p`offline: ${counted(hits.length, 'hit')} in loaded messages`, style: theme.warn};
		case 'done':
			if (hits.length === 0) return {text: p`nothing found`, style: theme.grey};
			return {
				text: p`${index + 1} of ${printable(hits.length.toLocaleString('en'))}${more ? '+' : ''}`,
				style: theme.grey,
			};
	}
}

/** What was found until now, and how far back that is. */
function soFar(hits: number, index: number, {id, at}: SearchedTo, now: number): Printable {
	const found = hits === 0 ? p`nothing` : p`${index + 1} of ${printable(hits.toLocaleString('en'))}`;
	return p`${found}, searched back to ${at === null ? p`#${id}` : clockTime(at, now)}`;
}

/** The hits around the selected one. */
function hitLines(state: State, search: Search, width: number, room: number, now: number): PaintedLine[] {
	const shown = Math.max(1, Math.floor(room / hitRows));
	const from = Math.max(0, Math.min(search.index - Math.floor(shown / 2), search.hits.length - shown));
	return search.hits.slice(from, from + shown).flatMap((message, at): PaintedLine[] => {
		const chosen = from + at === search.index;
		const edge: Span = {text: chosen ? p`▌ ` : p`  `, style: tagStyle(message.tag)};
		const head = joinStrips(strip([edge]), messageHead(state, message, width - 4, now));
		const gutter = strip([edge, {text: p`│ `, style: tagStyle(message.tag)}]);
		const body = clip(
			joinStrips(gutter, strip([{text: excerpt(message, search.pattern, width - 6), style: theme.text}])),
			width - 2,
		);
		const lines = [head, search.pattern === null ? body : withMatchesHighlighted(body, search.pattern)];
		return lines.map(line => (chosen ? {strip: line, tint: selectedTint} : {strip: line}));
	});
}

/** The first line of the body that matches; if it is long, from shortly before the match. */
function excerpt({body}: Message, marks: RegExp | null, width: number): Printable {
	const lines = printableLines(body.slice(0, 100_000));
	for (const line of lines) {
		const [range] = marks === null ? [] : matchRanges(marks, line);
		if (range === undefined) continue;
		const [start, end] = range;
		if (end <= width) return line;
		const word = line.lastIndexOf(' ', Math.max(0, start - Math.floor(width / 3))) + 1;
		return p`…${line.slice(Math.max(word, start - width + 8), start + width)}`;
	}
	return lines.find(line => line.trim() !== '') ?? p``;
}

const hints: ReadonlyArray<readonly [Printable, Printable]> = [
	[p`word`, p`begins a word; also "a phrase"; -word excludes`],
	[p`from:TAG to:TAG tag:TAG`, p`written by, addressed to, or either`],
	[p`after:2h before:2026-11-20`, p`also 30m, 3d, 14:30, yesterday`],
	[p`in:#12 id:12`, p`that thread, that message`],
	[p`has:task has:code has:link`, p`contains a #number, \`code\`, an address`],
	[p`is:unread is:mine`, p`also is:unverified, is:stuck`],
	[p`one or other`, p`either side of the or`],
];

/** The syntax of searches, and recent ones. */
function hintLines(recent: readonly string[], width: number, room: number): PaintedLine[] {
	const column = width < 60 ? 0 : 30;
	const grammar = hints.map(([what, meaning]): Span[] =>
		column === 0
			? [{text: p`  ${what}`, style: theme.text}]
			: [
					{text: p`  ${what.padEnd(column)}`, style: theme.text},
					{text: meaning, style: theme.grey},
				],
	);
	const before = recent.slice(0, 5).map((text, index): Span[] => [
		{text: index === 0 ? p`  ↑ ` : p`    `, style: theme.grey},
		{text: printable(text), style: theme.text},
	]);
	const all = before.length === 0 ? grammar : [...grammar, [], ...before];
	return all.slice(0, room).map(spans => ({strip: strip(spans)}));
}
