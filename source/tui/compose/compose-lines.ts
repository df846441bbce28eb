import {HUMAN, mentionPattern, sameTag} from '../../mailbox/tag.ts';
import {joinPrintable, p, printable, type Printable} from '../../printable.ts';
import type {State} from '../../store/state/state.ts';
import type {Keymap} from '../settings/keymap.ts';
import type {PaintedLine, Position, Rect} from '../screen/grid.ts';
import {clip, justify, spansOf, strip, textWidth, type Span} from '../screen/strip.ts';
import {tagChip, tagStrong, tagStyle, theme} from '../settings/theme.ts';
import {emptyCompose, type Compose, type Ui, type DrawInput} from '../model/ui.ts';
import {composeTag, shownDraft} from '../model/draft.ts';
import {draftView} from './draft-view.ts';
import {forecastOf, type DeliveryForecast} from './forecast.ts';
import type {SentSearch} from '../model/sent.ts';

interface ComposeLine {
	readonly lines: readonly PaintedLine[];
	/** Null outside of compose mode. */
	readonly cursor: Position | null;
}

/** The compose line: the tag it is sent as, what it replies to, the draft, and a remark at the right. */
export function composeLine({state, ui, now}: DrawInput, rect: Rect): ComposeLine {
	const {mode} = ui;
	const draft = shownDraft(ui);
	const compose = draft === ui.compose ? ui.compose : {...emptyCompose, tag: ui.compose.tag, ...draft};
	const {chip, chipWidth, remark, remarkRow, errorWidth, view} = piecesOf(state, {...ui, compose}, rect, now);
	const isEmpty = draft === undefined;
	const texts = isEmpty
		? [[{text: invitation(ui.keymap), style: theme.faint}]]
		: view.lines.map(line => coloured(line, mode === 'read'));
	const end =
		remark === null || errorWidth === 0
			? []
			: [...spansOf(clip(strip([remark]), errorWidth - 1)), {text: p` `, style: theme.text}];
	const before = [{text: p` `.repeat(chipWidth), style: theme.text}];
	return {
		lines: texts.map((text, row) => ({
			strip: justify([...(row === 0 ? chip : before), ...text], row === remarkRow ? end : [], rect.width),
		})),
		cursor: mode === 'read' ? null : {x: rect.x + chipWidth + view.cursor.column, y: rect.y + view.cursor.line},
	};
}

/** The pieces of the line and the width of each. */
function piecesOf(state: State, {compose, keymap}: Ui, rect: Rect, now: number) {
	const {search} = compose;
	const editor = search?.shown ?? compose.editor;
	const chip = chipOf(state, compose);
	const chipWidth = chip.reduce((width, {text}) => width + textWidth(text), 0);
	const room = rect.width - chipWidth - 1;
	const whole = draftView(editor, () => room, rect.height);
	if (compose.error !== null) {
		const remark = {text: printable(compose.error), style: theme.bad};
		// An error may take at most half of the first line.
		const errorWidth = Math.min(textWidth(remark.text) + 2, Math.floor(rect.width / 2));
		const view = draftView(editor, row => (row === 0 ? room - errorWidth : room), rect.height);
		return {chip, chipWidth, remark, remarkRow: 0, errorWidth, view};
	}
	const forecast = search === null ? forecastOf(state, compose, now) : searchForecast(keymap, search);
	// On the first line that has room for it, in the longest wording.
	const remarks = whole.lines.map(line => longestThatFits(room - textWidth(line) - 1, forecast));
	const remarkRow = Math.max(
		0,
		remarks.findIndex(each => each !== null),
	);
	const remark = remarks[remarkRow] ?? null;
	const errorWidth = remark === null ? 0 : textWidth(remark.text) + 2;
	return {chip, chipWidth, remark, remarkRow, errorWidth, view: whole};
}

/** How to begin writing; a blank if no key does that. */
function invitation(keymap: Keymap): Printable {
	const key = keymap.keyFor('compose');
	return key === '' ? p` ` : p`press ${key} to write`;
}

/** ` HUMAN  → ` or ` CLAUDE_1  by HUMAN → `: the tag as a chip, and the real author. */
function chipOf(state: State, compose: Compose): Span[] {
	const tag = composeTag(state, compose);
	const me = state.identity?.tag ?? HUMAN;
	const spans: Span[] = [
		{text: p` `, style: theme.text},
		{text: p` ${printable(tag)} `, style: tagChip(tag)},
	];
	if (!sameTag(tag, me)) spans.push({text: p` by `, style: theme.grey}, {text: printable(me), style: tagStyle(me)});
	if (compose.reply !== null) spans.push({text: p` ↳ #${compose.reply.id}`, style: theme.task});
	if (compose.search !== null) {
		const {typed, failing} = compose.search;
		// Only the end of a long text.
		const words = printable(Array.from(typed).slice(-20).join(''));
		spans.push({text: p` sent with `, style: theme.grey}, {text: words, style: failing ? theme.bad : theme.strong});
	}
	spans.push({text: p` → `, style: theme.grey});
	return spans;
}

function searchForecast(keymap: Keymap, {failing, typed}: SentSearch): DeliveryForecast {
	if (failing) return {wordings: [p`no older match`], style: theme.warn};
	const keys = [
		p`${keymap.keyFor('panel_take')} edit it`,
		p`${keymap.keyFor('search_sent')} older`,
		p`${keymap.keyFor('panel_close')} back`,
	];
	return {wordings: [typed === '' ? p`type part of it` : joinPrintable(keys, '  ')], style: theme.grey};
}

/** The longest wording that fits next to the draft; null if none does. */
function longestThatFits(room: number, forecast: DeliveryForecast | null): Span | null {
	const text = forecast?.wordings.find(wording => textWidth(wording) + 2 <= room);
	return text === undefined || forecast === null ? null : {text, style: forecast.style};
}

const mentions = new RegExp(mentionPattern, 'g');

/** The line with mentions in their tags' colours. */
function coloured(line: Printable, dim: boolean): Span[] {
	if (line === '') return [{text: p` `, style: theme.text}];
	const spans: Span[] = [];
	const rest = dim ? theme.grey : theme.text;
	let from = 0;
	for (const {0: mention, index} of line.matchAll(mentions)) {
		spans.push({text: line.slice(from, index), style: rest});
		from = index + mention.length;
		spans.push({text: line.slice(index, from), style: tagStrong(mention.slice(1))});
	}
	spans.push({text: line.slice(from), style: rest});
	return spans;
}
