import {p} from '../../printable.ts';
import type {MailboxStore} from '../../store/mailbox-store.ts';
import {draftsOf} from '../model/draft.ts';
import type {UiStore} from '../model/ui.ts';
import {theme} from '../settings/theme.ts';
import {question} from '../view/question.ts';

interface Quitting {
	readonly store: MailboxStore;
	readonly ui: UiStore;
	/** Drafts and unsent messages are kept for the next start. */
	readonly keeps: boolean;
	readonly quit: () => void;
}

/** Quits; asks first if there is a draft or an unsent message. */
export function askToQuit({store, ui, keeps, quit}: Quitting): void {
	const unsent = store.getState().pending.length;
	const drafts = draftsOf(ui.getState()).length;
	if (drafts === 0 && unsent === 0) return quit();
	const waiting = p`${unsent} of your messages ${unsent === 1 ? 'has' : 'have'} not been sent yet.`;
	const reason = drafts === 0 ? waiting : drafts === 1 ? p`You have a draft.` : p`You have ${drafts} drafts.`;
	const it = drafts > 1 || (drafts === 0 && unsent > 1) ? p`them` : p`it`;
	const overlay = question(ui, {
		lines: () => [[{text: reason, style: theme.strong}]],
		yes: keeps ? p`quit and keep ${it}` : p`quit and discard ${it}`,
		no: p`stay`,
		agree: quit,
		keys: ['q', 'enter'],
	});
	ui.setState({overlay});
}

/** Milliseconds within which a second interrupt quits. */
const confirmation = 2000;

/** Returns what an interrupt does: the first asks for a second one, which quits whatever is not sent. */
export function createInterrupt({ui, quit}: Pick<Quitting, 'ui' | 'quit'>): () => void {
	let last = -Infinity;
	return () => {
		const now = Date.now();
		if (now - last < confirmation) return quit();
		last = now;
		ui.setState({notice: 'Press ^C again to quit.'});
	};
}
