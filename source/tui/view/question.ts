import type {Printable} from '../../printable.ts';
import {p} from '../../printable.ts';
import type {DrawInput, Overlay, UiStore} from '../model/ui.ts';
import type {Span} from '../screen/strip.ts';
import {theme} from '../settings/theme.ts';
import {box} from './box.ts';

interface Question {
	readonly lines: (drawn: DrawInput) => ReadonlyArray<readonly Span[]>;
	/** What `y` and any other key do, in words. */
	readonly yes: Printable;
	readonly no: Printable;
	readonly agree: () => void;
	/** Further keys that agree. */
	readonly keys?: readonly string[];
	/** The overlay to return to. */
	readonly previous?: Overlay | null;
}

/** A question: `y` agrees, any other key does not. */
export function question(ui: UiStore, {lines, yes, no, agree, keys = [], previous = null}: Question): Overlay {
	const answers: readonly Span[] = [
		{text: p`y`, style: theme.strong},
		{text: p` ${yes}   `, style: theme.grey},
		{text: p`any other key`, style: theme.strong},
		{text: p` ${no}`, style: theme.grey},
	];
	return {
		draw: drawn => box(drawn.ui, [...lines(drawn), answers]),
		key(key) {
			ui.setState({overlay: previous});
			if (key === 'y' || keys.includes(key)) agree();
		},
	};
}
