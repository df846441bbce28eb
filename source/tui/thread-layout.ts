import type {Layout, PaneId} from './layout.ts';
import type {Rect} from './screen/grid.ts';
import type {Ui} from './ui.ts';

/** From so many columns on a thread stands beside its pane. */
const besideColumns = 160;
/** A thread that is narrower than this gets half of what both have. */
const leastWidth = 50;

/**
 * A layout with the open thread in it: in the place of the pane at the side of `at`, or over `at` itself where there is no
 * room or no such pane. Nothing else moves. Pure.
 */
export function withThread(layout: Layout, thread: PaneId, at: PaneId): Layout {
	const own = layout.panes.find(({id}) => id === at)?.rect;
	if (own === undefined) return layout;
	const covered = layout.body.width < besideColumns ? [] : besides(layout, own);
	const [first] = covered;
	if (first === undefined) {
		return {...layout, panes: layout.panes.map(pane => (pane.id === at ? {...pane, id: thread} : pane))};
	}
	const isRight = first.x > own.x;
	const place: Rect = {...own, x: first.x, width: first.width};
	const panes = layout.panes.filter(({rect}) => !covered.includes(rect));
	// A thin line runs from top to bottom: it can only be moved where nothing else stands at it.
	if (first.width >= leastWidth || own.height < layout.body.height) {
		return {...layout, panes: [...panes, {id: thread, rect: place}]};
	}
	const left = isRight ? own : place;
	const all = own.width + place.width;
	const width = Math.ceil(all / 2);
	const [one, other]: [Rect, Rect] = [
		{...left, width},
		{...left, x: left.x + width + 1, width: all - width},
	];
	return {
		...layout,
		panes: [
			...panes.map(pane => (pane.id === at ? {...pane, rect: isRight ? one : other} : pane)),
			{id: thread, rect: isRight ? other : one},
		],
		rules: layout.rules.map(x => (x === left.x + left.width ? left.x + width : x)),
	};
}

/** The panes in the order of Tab: a thread comes after its pane, or is in its place where it stands over it. */
export function withThreadIn({order, panes}: Layout, {threads, threadAt}: Pick<Ui, 'threads' | 'threadAt'>): PaneId[] {
	const [thread] = threads.keys();
	if (thread === undefined || panes.every(({id}) => id !== thread)) return [...order];
	const isBeside = panes.some(({id}) => id === threadAt);
	return order.flatMap(id => (id !== threadAt ? [id] : isBeside ? [id, thread] : [thread]));
}

/** The panes at the right of a rectangle, or at its left, that together are as high as it is; none when there are no such. */
function besides({panes}: Layout, own: Rect): Rect[] {
	const within = panes.map(({rect}) => rect).filter(({y, height}) => y >= own.y && y + height <= own.y + own.height);
	for (const side of [
		within.filter(({x}) => x === own.x + own.width + 1),
		within.filter(({x, width}) => x + width + 1 === own.x),
	]) {
		if (side.reduce((height, rect) => height + rect.height, 0) === own.height) return side;
	}
	return [];
}
