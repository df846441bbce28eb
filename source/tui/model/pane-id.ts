import {allFeed, inboxFeed, threadOf} from '../../store/state/feed.ts';

/** A pane's name: a folded tag, the feed of the open thread, or one of the names below, which no tag can have. */
export type PaneId = string;
/** These two have the names of the feeds that they show. */
export const allPane: PaneId = allFeed;
export const inboxPane: PaneId = inboxFeed;
export const tasksPane: PaneId = '#tasks';
export const agentsPane: PaneId = '#agents';
/** Shown while there are no channels. */
export const welcomePane: PaneId = '#welcome';

/** Whether the pane shows a channel. */
export function isChannelPane(pane: PaneId): boolean {
	return !pane.startsWith('#');
}

/** Whether the pane is a list of messages. */
export function hasMessages(pane: PaneId): boolean {
	return isChannelPane(pane) || pane === allPane || pane === inboxPane || threadOf(pane) !== null;
}
