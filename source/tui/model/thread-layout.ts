import type {Layout} from './layout.ts';
import type {PaneId} from './pane-id.ts';
import type {Rect} from '../screen/grid.ts';
import type {Ui} from './ui.ts';

/** From this width on, a thread is shown next to its pane. */
const minColumns = 160;
/** If a thread would be narrower than this, it and its pane share their columns equally. */
const minWidth = 50;

/**
 * A layout with the open thread in it. It replaces the pane next to `at`, or `at` itself if there is no room for two or
 * nothing next to it. No other pane moves. Pure.
 */
export function withThread(layout: Layout, thread: PaneId, at: PaneId): Layout {
	const own = layout.panes.find(({id}) => id === at)?.rect;
	if (own === undefined) return layout;
	const neighbours = layout.body.width < minColumns ? [] : neighboursOf(layout, own);
	// The rule between them runs from top to bottom, so it can only move if both are as high as the body.
	const isHigh = ({height}: Rect) => height === layout.body.height;
	const neighbour =
		neighbours.find(({rect}) => rect.width >= minWidth) ?? neighbours.find(({rect}) => isHigh(rect) && isHigh(own));
	if (neighbour === undefined) {
		return {...layout, panes: layout.panes.map(pane => (pane.id === at ? {...pane, id: thread} : pane))};
	}
	const isRight = neighbour.rect.x > own.x;
	const left = isRight ? own : neighbour.rect;
	const right = isRight ? neighbour.rect : own;
	const all = left.width + right.width;
	const width = neighbour.rect.width >= minWidth ? left.width : Math.ceil(all / 2);
	const one: Rect = {...left, width};
	const other: Rect = {...right, x: left.x + width + 1, width: all - width};
	const ofThread = {id: thread, rect: isRight ? other : one};
	const ofPane = {id: at, rect: isRight ? one : other};
	const both = isRight ? [ofPane, ofThread] : [ofThread, ofPane];
	return {
		...layout,
		panes: layout.panes.filter(({id}) => !neighbour.ids.includes(id)).flatMap(pane => (pane.id === at ? both : [pane])),
		tabs: layout.order.filter(id => neighbour.ids.includes(id) || layout.tabs.includes(id)),
		rules: layout.rules.map(x => (x === left.x + left.width ? left.x + width : x)),
	};
}

/** The panes in the order of Tab: a thread comes after its pane, or replaces it if it covers it. */
export function withThreadIn(
	order: readonly PaneId[],
	{panes}: Layout,
	{threads, threadAt}: Pick<Ui, 'threads' | 'threadAt'>,
): PaneId[] {
	const [thread] = threads.keys();
	if (thread === undefined || panes.every(({id}) => id !== thread)) return [...order];
	const isBeside = panes.some(({id}) => id === threadAt);
	return order.flatMap(id => (id !== threadAt ? [id] : isBeside ? [id, thread] : [thread]));
}

interface Neighbour {
	readonly ids: readonly PaneId[];
	/** Their bounding rectangle. */
	readonly rect: Rect;
}

/** The neighbours of a rectangle, right then left; panes above each other are one neighbour. */
function neighboursOf({panes}: Layout, own: Rect): Neighbour[] {
	const adjacent = panes.filter(({rect}) => rect.y < own.y + own.height && own.y < rect.y + rect.height);
	return [
		adjacent.filter(({rect}) => rect.x === own.x + own.width + 1),
		adjacent.filter(({rect}) => rect.x + rect.width + 1 === own.x),
	].flatMap(side => {
		const [first] = side;
		if (first === undefined) return [];
		const {x, width} = first.rect;
		const y = Math.min(...side.map(({rect}) => rect.y));
		const end = Math.max(...side.map(({rect}) => rect.y + rect.height));
		return [{ids: side.map(({id}) => id), rect: {x, y, width, height: end - y}}];
	});
}
