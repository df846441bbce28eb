import {replacedText} from '../../mailbox/event.ts';
import type {State} from '../../store/state/state.ts';
import type {Draft, UiStore} from '../model/ui.ts';

/**
 * Notifies once when the mailbox's history was replaced; call it with each state. Drafts are kept, but are no longer a
 * reply if their message is not part of the common history.
 */
export function tellReplaced(ui: UiStore): (state: State) => void {
	let notified: State['replaced'] = null;
	return ({replaced}) => {
		if (replaced === null || replaced === notified) return;
		notified = replaced;
		const common = replaced.common ?? 0;
		const checked = <T extends Draft>(draft: T): T =>
			draft.reply !== null && draft.reply.id > common ? {...draft, reply: null} : draft;
		ui.setState(({compose, drafts}) => ({
			notice: replacedText(replaced),
			compose: checked(compose),
			drafts: drafts.map(checked),
		}));
	};
}
