import type {MailboxStore} from '../../store/mailbox-store.ts';
import type {State} from '../../store/state/state.ts';
import type {PaneId} from '../model/pane-id.ts';
import {createPaneAdder} from '../model/pane-adder.ts';
import type {UiStore} from '../model/ui.ts';
import {fillPanes} from '../panes/load-shown.ts';
import type {Controller} from './controller.ts';
import {tellReplaced} from './tell-replaced.ts';

interface Following {
	readonly store: MailboxStore;
	readonly ui: UiStore;
	readonly controller: Controller;
	/** The pane to focus once it exists; null for the first one. */
	readonly focus: PaneId | null;
}

/**
 * Keeps the panes up to date with the mailbox: gives new channels a place, fills panes that have room, and marks what is shown
 * as read. `onChange` is called after that. Returns what ends it.
 */
export function followMailbox({store, ui, controller, focus}: Following, onChange = () => {}): () => void {
	const arrange = createPaneAdder(ui, focus);
	const tell = tellReplaced(ui);
	const onState = (state: State): void => {
		tell(state);
		arrange(state);
		fillPanes({store, ui});
		controller.markSeen();
		onChange();
	};
	const unsubscribe = store.subscribe(onState);
	// It may have been loaded before.
	onState(store.getState());
	return unsubscribe;
}
