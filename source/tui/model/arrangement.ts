import {p, type Printable} from '../../printable.ts';
import {agentsPane, allPane, inboxPane, isChannelPane, tasksPane, type PaneId} from './pane-id.ts';

/** How the human has arranged the panes. A channel that goes keeps its entries, which apply again when it comes back. */
export interface Arrangement {
	/** Every pane, by its number. New panes are inserted; the others keep their order. */
	readonly order: readonly PaneId[];
	/** The panes that were brought to the screen, in order. If there is room for more, others follow by number. */
	readonly onScreen: readonly PaneId[];
	readonly hidden: ReadonlySet<PaneId>;
	/** Panes that stay on the screen when another one is brought to it. */
	readonly pinned: ReadonlySet<PaneId>;
	/** The index in `order` of each pane that the human moved. */
	readonly moved: ReadonlyMap<PaneId, number>;
	/** The human's own channel. Most of its messages are also in other channels, so it is not shown by default. */
	readonly own: PaneId | null;
	/** The focused pane takes the whole screen. */
	readonly zoomed: boolean;
}

const specialPanes: readonly PaneId[] = [tasksPane, agentsPane, inboxPane, allPane];
/** How many channels come before the special panes, so that each special pane has a number key. */
const channelsFirst = 5;

export const emptyArrangement: Arrangement = {
	order: specialPanes,
	onScreen: [],
	hidden: new Set(),
	pinned: new Set(),
	moved: new Map(),
	own: null,
	zoomed: false,
};

/** The arrangement with new channels (folded tags) added; the same object if there are none. */
export function withChannels(arrangement: Arrangement, channels: readonly PaneId[], own: PaneId | null): Arrangement {
	const {moved} = arrangement;
	const known = new Set(arrangement.order);
	const fresh = channels.filter(id => !known.has(id));
	if (fresh.length === 0 && arrangement.own === own) return arrangement;
	// Until the first channel appears, no pane that was moved has a position to keep.
	const order = arrangement.order.filter(id => !moved.has(id) || arrangement.order.some(isChannelPane));
	const byHand = [...fresh, ...arrangement.order.filter(id => !order.includes(id))].filter(id => moved.has(id));
	const defaults = fresh.filter(id => !moved.has(id));
	const others = defaults.filter(id => id !== own);
	const before = order.findIndex(id => !isChannelPane(id));
	const free = before < 0 || moved.has(order[before] ?? '') ? 0 : Math.max(0, channelsFirst - before);
	order.splice(Math.max(0, before), 0, ...others.slice(0, free));
	order.push(...defaults.filter(id => id === own), ...others.slice(free));
	byHand.sort((one, other) => (moved.get(one) ?? 0) - (moved.get(other) ?? 0));
	for (const id of byHand) order.splice(moved.get(id) ?? 0, 0, id);
	return {...arrangement, order, own};
}

/**
 * The numbers of the panes: channels have 1 to 5; TASKS 6, AGENTS 7, INBOX 8 and ALL 9, however many channels there are;
 * further panes (the human's own channel first) 10 and more. A pane that was moved has the number of its new position.
 */
export function numbersOf({order, moved}: Pick<Arrangement, 'order' | 'moved'>): ReadonlyMap<PaneId, number> {
	const fixed = new Map(
		specialPanes.map((id, at) => [id, channelsFirst + 1 + at] as const).filter(([id]) => !moved.has(id)),
	);
	const taken = new Set(fixed.values());
	const behind = channelsFirst + specialPanes.length + 1;
	let next = 1;
	return new Map(
		order.map((id): [PaneId, number] => {
			const own = fixed.get(id);
			if (own !== undefined) {
				// This leaves numbers for panes that are later inserted before it.
				next = Math.max(next, behind);
				return [id, own];
			}
			while (taken.has(next)) next++;
			return [id, next++];
		}),
	);
}

/** The key that selects a pane's number, shown before its name: `0` for 10, empty above that. */
export function numberKey(number: number | undefined): Printable {
	return number === undefined || number > 10 ? p`` : p`${number % 10}`;
}

/** Brings a pane to the screen: next to the `visible` ones while there is room, otherwise in place of `focus`. */
export function withPaneOnScreen(
	arrangement: Arrangement,
	pane: PaneId,
	{visible, room, focus}: {readonly visible: readonly PaneId[]; readonly room: boolean; readonly focus: PaneId},
): Arrangement {
	const shown = arrangement.hidden.has(pane) ? withHidden(arrangement, pane, false) : arrangement;
	if (visible.includes(pane)) return shown;
	if (room || visible.length === 0) return {...shown, onScreen: [...visible, pane]};
	const free = visible.findLastIndex(id => !arrangement.pinned.has(id));
	const focused = arrangement.pinned.has(focus) ? -1 : visible.indexOf(focus);
	const at = focused >= 0 ? focused : free >= 0 ? free : visible.length - 1;
	return {...shown, onScreen: visible.with(at, pane)};
}

export function withHidden(arrangement: Arrangement, pane: PaneId, hide: boolean): Arrangement {
	const hidden = new Set(arrangement.hidden);
	if (hide) hidden.add(pane);
	else hidden.delete(pane);
	const pinned = new Set(arrangement.pinned);
	if (hide) pinned.delete(pane);
	return {...arrangement, hidden, pinned, onScreen: arrangement.onScreen.filter(id => !hide || id !== pane)};
}

export function withPinned(arrangement: Arrangement, pane: PaneId, visible: readonly PaneId[]): Arrangement {
	const pinned = new Set(arrangement.pinned);
	if (!pinned.delete(pane)) pinned.add(pane);
	return {...arrangement, pinned, onScreen: visible};
}

/** Swaps two panes, both in number and on the screen. The first counts as moved by hand; so does a pane with a fixed number. */
export function withPanesSwapped(
	arrangement: Arrangement,
	pane: PaneId,
	other: PaneId,
	visible: readonly PaneId[],
): Arrangement {
	const swap = (id: PaneId): PaneId => (id === pane ? other : id === other ? pane : id);
	const order = arrangement.order.map(swap);
	const moved = new Map(arrangement.moved).set(pane, order.indexOf(pane));
	if (moved.has(other) || specialPanes.includes(other)) moved.set(other, order.indexOf(other));
	const both = visible.includes(pane) && visible.includes(other);
	return {...arrangement, order, moved, onScreen: both ? visible.map(swap) : arrangement.onScreen};
}
