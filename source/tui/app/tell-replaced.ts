import {replacedText} from '../../mailbox/event.ts';
import type {State} from '../../store/state/state.ts';
import type {UiStore} from '../model/ui.ts';

/**
 * Notifies once when the mailbox's history was replaced; call it with each state. The draft is kept, but is no longer a reply
 * if its message is not part of the common history.
 */
export function tellReplaced(ui: UiStore): (state: State) => void {
	let notified: State['replaced'] = null;
	return ({replaced}) => {
		if (replaced === null || replaced === notified) return;
		notified = replaced;
		const common = replaced.common ?? 0;
		ui.setState(({compose}) => ({
			notice: replacedText(replaced),
			compose: compose.reply !== null && compose.reply.id > common ? {...compose, reply: null} : compose,
		}));
	};
}
