import type {MailboxStore} from '../../store/mailbox-store.ts';
import {seenMarksOf} from '../../store/seen-marks.ts';
import type {SavedScreen} from '../model/saved-screen.ts';
import type {UiStore} from '../model/ui.ts';

/** Where the screen is kept between two starts. */
export interface ScreenMemory {
	/** What was kept last; null when there is nothing of use. */
	readonly saved: SavedScreen | null;
	/** Why what was kept cannot be used, in one sentence; null when all is well. */
	readonly notice: string | null;
	/** Resolves with a sentence when it cannot be kept. */
	save(screen: SavedScreen): Promise<string | null>;
}

/** Milliseconds between two savings; what changes in between is kept together. */
const pace = 2000;

/** Keeps the screen whenever it is arranged anew, something was read, or something was searched for or run by name. The function returned saves what is left and ends it. */
export function keepScreen(store: MailboxStore, ui: UiStore, memory: ScreenMemory): () => Promise<void> {
	let timer: NodeJS.Timeout | undefined;
	let running: Promise<void> = Promise.resolve();
	let complained = false;

	async function save(): Promise<void> {
		const {arrangement, focus, recent} = ui.getState();
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
		// Before anything is known there is nothing to keep, and something to lose.
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
