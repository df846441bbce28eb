import {replacedText} from '../../mailbox/event.ts';
import type {State} from '../../store/state.ts';
import type {UiStore} from '../model/ui.ts';

/**
 * Says once that another history came, where it can be read; to be called with each state. The draft stays, but is no reply any
 * more to a message that is gone, or is another one now.
 */
export function tellReplaced(ui: UiStore): (state: State) => void {
	let told: State['replaced'] = null;
	return ({replaced}) => {
		if (replaced === null || replaced === told) return;
		told = replaced;
		const common = replaced.common ?? 0;
		ui.setState(({compose}) => ({
			notice: replacedText(replaced),
			compose: compose.reply !== null && compose.reply.id > common ? {...compose, reply: null} : compose,
		}));
	};
}
