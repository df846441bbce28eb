import {p, printable, withStyle, type Printable} from '../../printable.ts';
import type {Keymap} from '../settings/keymap.ts';
import type {Span} from '../screen/strip.ts';
import {theme} from '../settings/theme.ts';

/** What a message or a task leads to. */
export type Target =
	| {readonly type: 'link'; readonly address: string}
	| {readonly type: 'task'; readonly id: number}
	| {readonly type: 'message'; readonly id: number};

export interface Choice {
	readonly target: Target;
	/** Remote text; it passes the gate when it is drawn. */
	readonly label: string;
}

/** A question which of several targets is meant. */
export interface ChoiceOverlay {
	readonly kind: 'choice';
	readonly title: Printable;
	readonly choices: readonly Choice[];
	readonly index: number;
}

/** After a key: another overlay, the one that was chosen, or null when it is closed. */
export function choiceAfter(keymap: Keymap, overlay: ChoiceOverlay, key: string): ChoiceOverlay | Target | null {
	const {choices, index} = overlay;
	const action = keymap.actionOf('read', key);
	const chosen = keymap.actionOf('panel', key);
	const step =
		action === 'down' || chosen === 'panel_next' ? 1 : action === 'up' || chosen === 'panel_previous' ? -1 : 0;
	if (step !== 0) return {...overlay, index: (index + step + choices.length) % choices.length};
	const number = /^[1-9]$/u.test(key) ? Number(key) - 1 : action === 'open' || chosen === 'panel_take' ? index : -1;
	return choices[number]?.target ?? null;
}

const maxShown = 9;

/** The question as lines of at most `width` columns. */
export function choiceLines(keymap: Keymap, {title, choices, index}: ChoiceOverlay, width: number): Span[][] {
	const from = Math.max(0, Math.min(index - Math.floor(maxShown / 2), choices.length - maxShown));
	const lines = choices.slice(from, from + maxShown).map(({label}, at): Span[] => {
		const chosen = from + at === index;
		const number = from + at < 9 ? p`${from + at + 1} ` : p`  `;
		return [
			{text: chosen ? p`▌ ` : p`  `, style: theme.task},
			{text: number, style: theme.grey},
			{text: cut(printable(label), width - 4), style: chosen ? theme.strong : theme.text},
		];
	});
	return [
		[{text: title, style: theme.strong}],
		[],
		...lines,
		[],
		[
			{text: keymap.keyFor('open'), style: theme.strong},
			{text: p` takes it   `, style: theme.grey},
			{text: keymap.keyFor('back'), style: theme.strong},
			{text: p` back`, style: theme.grey},
		],
	];
}

/** Addresses are ASCII, titles may be anything: what is cut is cut between characters. */
function cut(text: Printable, most: number): Printable {
	const characters = Array.from(text.slice(0, 4 * most));
	return characters.length <= most
		? text
		: p`${withStyle(text, () => characters.slice(0, Math.max(1, most - 1)).join(''))}…`;
}
