import type {MailboxStore} from '../../store/mailbox-store.ts';
import {seenMarksOf} from '../../store/state/seen-marks.ts';
import type {SavedScreen} from '../model/saved-screen.ts';
import {homeOf, type UiStore} from '../model/ui.ts';

/** The storage of the screen's state between runs. */
export interface ScreenMemory {
	/** The saved state; null if there is none or it is unusable. */
	readonly saved: SavedScreen | null;
	/** Why the saved state is unusable, in one sentence; otherwise null. */
	readonly notice: string | null;
	/** Resolves with a sentence if saving failed. */
	save(screen: SavedScreen): Promise<string | null>;
}

/** Milliseconds between two saves; changes in between are saved together. */
const pace = 2000;

/** Saves the screen whenever panes, read marks or recent entries change. The returned function saves the rest and stops. */
export function keepScreen(store: MailboxStore, ui: UiStore, memory: ScreenMemory): () => Promise<void> {
	let timer: NodeJS.Timeout | undefined;
	let running: Promise<void> = Promise.resolve();
	let complained = false;

	async function save(): Promise<void> {
		const now = ui.getState();
		const {arrangement, recent} = now;
		// A thread is closed at the next start.
		const focus = homeOf(now, now.focus);
		const failure = await memory.save({arrangement, focus, recent, seen: seenMarksOf(store.getState())});
		if (failure === null || complained) return;
		complained = true;
		ui.setState({notice: failure});
	}
	const flush = (): void => {
		timer = undefined;
		running = running.then(save);
	};
	const soon = (): void => {
		// Saving before the mailbox is loaded would lose what was saved.
		if (store.getState().loaded) timer ??= setTimeout(flush, pace);
	};
	const unsubscribeUi = ui.subscribe((now, before) => {
		if (now.arrangement !== before.arrangement || now.focus !== before.focus || now.recent !== before.recent) soon();
	});
	let {seen} = store.getState();
	const unsubscribeStore = store.subscribe(state => {
		if (state.seen !== seen) soon();
		({seen} = state);
	});
	return async () => {
		unsubscribeUi();
		unsubscribeStore();
		if (timer !== undefined) {
			clearTimeout(timer);
			flush();
		}
		await running;
	};
}
