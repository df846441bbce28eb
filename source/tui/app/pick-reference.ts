import {p, printable, withStyle, type Printable} from '../../printable.ts';
import type {Reference, ReferenceTarget} from '../model/reference.ts';
import type {Overlay, UiStore} from '../model/ui.ts';
import type {Span} from '../screen/strip.ts';
import type {Keymap} from '../settings/keymap.ts';
import {theme} from '../settings/theme.ts';
import {box} from '../view/box.ts';

interface ReferenceQuestion {
	readonly title: Printable;
	readonly references: readonly Reference[];
	readonly choose: (target: ReferenceTarget) => void;
}

/** Asks which of several targets to go to. */
export function pickReference(ui: UiStore, question: ReferenceQuestion, index = 0): Overlay {
	const {references, choose} = question;
	return {
		draw: ({ui: now}) => box(now, referenceLines(now.keymap, question, index, now.columns - 8)),
		key(key) {
			const {actionOf} = ui.getState().keymap;
			const action = actionOf('read', key);
			const chosen = actionOf('panel', key);
			const step =
				action === 'down' || chosen === 'panel_next' ? 1 : action === 'up' || chosen === 'panel_previous' ? -1 : 0;
			if (step !== 0) {
				return ui.setState({
					overlay: pickReference(ui, question, (index + step + references.length) % references.length),
				});
			}
			ui.setState({overlay: null});
			const number = /^[1-9]$/u.test(key) ? Number(key) - 1 : action === 'open' || chosen === 'panel_take' ? index : -1;
			const target = references[number]?.target;
			if (target !== undefined) choose(target);
		},
	};
}

const maxShown = 9;

/** The question as lines of at most `width` columns. */
function referenceLines(
	{keyFor}: Keymap,
	{title, references}: ReferenceQuestion,
	index: number,
	width: number,
): Span[][] {
	const from = Math.max(0, Math.min(index - Math.floor(maxShown / 2), references.length - maxShown));
	const lines = references.slice(from, from + maxShown).map(({label}, at): Span[] => {
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
			{text: keyFor('open'), style: theme.strong},
			{text: p` select   `, style: theme.grey},
			{text: keyFor('back'), style: theme.strong},
			{text: p` back`, style: theme.grey},
		],
	];
}

/** Cuts between characters; titles may contain any. */
function cut(text: Printable, max: number): Printable {
	const characters = Array.from(text.slice(0, 4 * max));
	return characters.length <= max
		? text
		: p`${withStyle(text, () => characters.slice(0, Math.max(1, max - 1)).join(''))}…`;
}
