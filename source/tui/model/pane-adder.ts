import {foldTag} from '../../mailbox/tag.ts';
import type {State} from '../../store/state/state.ts';
import {channelOrder} from './channel-order.ts';
import {welcomePane, type PaneId} from './pane-id.ts';
import {withChannels, type UiStore} from './ui.ts';

/**
 * Adds a pane for each new channel. Call it with each state; it only looks when there may be a new channel. `focus`: the
 * pane that was focused at the end of the last run, which is focused again when it appears.
 */
export function createPaneAdder(ui: UiStore, focus: PaneId | null): (state: State) => void {
	let wanted = focus;
	let known: Pick<State, 'agents' | 'identity'> & {readonly channels: number} = {
		agents: new Map(),
		identity: null,
		channels: -1,
	};
	return state => {
		const {loaded, agents, identity, channels} = state;
		if (!loaded) return;
		if (agents === known.agents && identity === known.identity && channels.size === known.channels) return;
		known = {agents, identity, channels: channels.size};
		const own = identity === null ? null : foldTag(identity.tag);
		const next = withChannels(ui.getState(), channelOrder(state).map(foldTag), own);
		const {order, hidden} = next.arrangement;
		const returns =
			wanted !== null && ui.getState().focus === welcomePane && order.includes(wanted) && !hidden.has(wanted);
		if (next !== ui.getState()) ui.setState(returns ? {...next, focus: wanted ?? next.focus} : next);
		wanted = null;
	};
}
