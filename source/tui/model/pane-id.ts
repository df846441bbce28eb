import {allFeed, inboxFeed, threadOf} from '../../store/feed.ts';

/** A pane's name: a folded tag, the feed of the open thread, or one of those below (no tag has such a name). */
export type PaneId = string;
/** These two are called as the feeds that they show. */
export const allPane: PaneId = allFeed;
export const inboxPane: PaneId = inboxFeed;
export const tasksPane: PaneId = '#tasks';
export const agentsPane: PaneId = '#agents';
/** What stands where no channel is yet. */
export const welcomePane: PaneId = '#welcome';

/** Whether the pane shows what one tag wrote or is addressed by. */
export function isChannelPane(pane: PaneId): boolean {
	return !pane.startsWith('#');
}

/** Whether there are messages in it to scroll through. */
export function hasMessages(pane: PaneId): boolean {
	return isChannelPane(pane) || pane === allPane || pane === inboxPane || threadOf(pane) !== null;
}
