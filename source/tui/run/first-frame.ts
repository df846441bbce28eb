import {p, type Printable} from '../../printable.ts';
import {composeCursor, composeLine} from '../compose/compose-lines.ts';
import type {Surroundings} from '../view/context.ts';
import {layoutOf} from '../model/current-layout.ts';
import {pane, statusBar, topBar, type Region} from '../view/regions.ts';
import type {Screen} from '../screen/screen.ts';
import {strip} from '../screen/strip.ts';
import {theme} from '../settings/theme.ts';

type Drawing = Omit<Surroundings, 'screen'> & {readonly screen: Screen};

/**
 * Places what the first frame consists of as the app will (app.tsx): React and Ink take as long to load and to render as all
 * the rest of the start, and nothing on that frame needs them. The function returned takes it away again.
 */
export function placeFirstFrame({screen, store, ui, name, now}: Drawing): () => void {
	let shown = layoutOf(ui.getState());
	let removals = placeAll();
	const unsubscribe = ui.subscribe(next => {
		if (layoutOf(next) === shown) return;
		shown = layoutOf(next);
		remove();
		removals = placeAll();
	});

	function placeAll(): Array<() => void> {
		const {kind, panes, rules, body, compose} = shown;
		const {columns, rows} = ui.getState();
		if (kind === 'tiny') return [];
		const parts: Array<[Region, typeof compose]> = [
			[topBar, {x: 0, y: 0, width: columns, height: 1}],
			...panes.map(({id, rect}): [Region, typeof rect] => [pane(id), rect]),
			...rules.map((x): [Region, typeof body] => [line(p`│`), {...body, x, width: 1}]),
			[line(p`─`.repeat(columns)), {x: 0, y: compose.y - 1, width: columns, height: 1}],
			[composeLine, compose],
			[statusBar, {x: 0, y: rows - 1, width: columns, height: 1}],
		];
		screen.setCursor(() => composeCursor(store.getState(), ui.getState(), compose, now()));
		return parts.map(([part, rect]) =>
			screen.place(rect, () => part({state: store.getState(), ui: ui.getState(), name, now: now()}, rect)),
		);
	}

	function remove(): void {
		for (const each of removals) each();
	}

	return () => {
		unsubscribe();
		remove();
	};
}

/** The same text in each of its rows. */
function line(text: Printable): Region {
	const strips = {strip: strip([{text, style: theme.rule}])};
	return (_, {height}) => Array.from({length: height}, () => strips);
}
