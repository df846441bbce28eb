import type {MailboxStore} from '../../store/mailbox-store.ts';
import {momentOf} from '../model/timeline-view.ts';
import type {UiStore} from '../model/ui.ts';
import {laneOrder} from './lanes.ts';

/** Milliseconds between frames while playing. */
const frame = 100;

interface Followed {
	readonly store: MailboxStore;
	readonly ui: UiStore;
	/** Milliseconds since 1970. */
	readonly now: () => number;
}

/**
 * Keeps an open timeline up to date until the returned function is called: new tags get lanes, and `changed` is called for
 * each frame while it plays, and when more of the history was loaded.
 */
export function followTimeline({store, ui, now}: Followed, changed: () => void): () => void {
	let timer: NodeJS.Timeout | undefined;
	const play = () => {
		const {timeline} = ui.getState();
		// It has reached the present and becomes live.
		if (timeline !== null && momentOf(timeline, now()) === null) ui.setState({timeline: {...timeline, moment: null}});
		changed();
	};
	const unsubscribes = [
		store.history.subscribe(changed),
		store.subscribe(state => {
			const {timeline} = ui.getState();
			if (timeline === null) return;
			const lanes = laneOrder(state, store.history.marks.list, timeline.lanes);
			if (lanes !== timeline.lanes) ui.setState({timeline: {...timeline, lanes}});
		}),
		ui.subscribe(({timeline}) => {
			if (timeline === null || timeline.moment === null || timeline.moment.since === null) {
				clearInterval(timer);
				timer = undefined;
			} else timer ??= setInterval(play, frame);
		}),
	];
	return () => {
		clearInterval(timer);
		unsubscribes.forEach(unsubscribe => unsubscribe());
	};
}
