import {replacedText} from '../mailbox/replaced.ts';
import type {State} from '../store/state.ts';
import type {UiStore} from './ui.ts';

/** Says once that another history came, where it can be read; to be called with each state. */
export function tellReplaced(ui: UiStore): (state: State) => void {
	let told: State['replaced'] = null;
	return ({replaced}) => {
		if (replaced === null || replaced === told) return;
		told = replaced;
		ui.setState({notice: replacedText(replaced)});
	};
}
