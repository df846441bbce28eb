import type {Connection} from '../../mailbox/event.ts';
import {foldTag} from '../../mailbox/tag.ts';
import type {Change} from './change.ts';
import {withChannels} from './channels.ts';
import type {FeedId} from './feed.ts';
import {withAgents, withoutRow, withReceipts, withTasks} from './known-rows.ts';
import {readAtStart} from './seen-marks.ts';
import {emptyState, type Pending, type State} from './state.ts';
import {trimmed, withLook, withMessages, withPage, withRecent, withRedacted} from './window.ts';

/** The state after a change; the same object when nothing changed. Pure. */
export function reduce(state: State, change: Change): State {
	switch (change.type) {
		case 'cursor':
			// After a history was replaced, the database may get its new epoch later.
			return state.epoch === null || state.epoch === change.cursor.epoch
				? state
				: {...state, epoch: change.cursor.epoch};
		case 'replaced': {
			const {identity, connection, busy, trouble} = state;
			const {epoch, common, fresh, more} = change;
			const pending = state.pending.map(each => withoutLostParent(each, common ?? 0));
			return {...emptyState, identity, connection, busy, trouble, pending, replaced: {epoch, common, fresh, more}};
		}
		case 'connection':
			return {...state, connection: change.connection, trouble: troubleAfter(state.trouble, change.connection)};
		case 'busy':
			return {...state, busy: change.busy};
		case 'identity':
			return {...state, identity: change.identity};
		case 'loaded':
			return {
				...state,
				loaded: true,
				epoch: change.epoch ?? null,
				...readAtStart(change.kept ?? null, change.epoch ?? null, state.messages.at(-1)?.id ?? 0),
			};
		case 'messages':
			return withMessages(state, change.messages);
		case 'redacted':
			return withRedacted(state, change.messages);
		case 'recent':
			return withRecent(state, change.messages, change.complete);
		case 'older':
		case 'newer':
		case 'elsewhere':
			return withPage(state, change);
		case 'look':
			return withLook(state, change.feed, change.around);
		case 'channels':
			return withChannels(state, change.channels);
		case 'tasks':
			return {...state, tasks: withTasks(state.tasks, change.tasks)};
		case 'agents':
			return {...state, agents: withAgents(change.complete === true ? new Map() : state.agents, change.agents)};
		case 'receipts':
			return withReceipts(state, change.receipts);
		case 'removed':
			return withoutRow(state, change.row);
		case 'sending':
			return {...state, pending: [...without(state.pending, change.pending.draft.client_id), change.pending]};
		case 'unsent':
			return {
				...state,
				pending: state.pending.map(pending =>
					pending.draft.client_id === change.client_id
						? {...pending, phase: change.phase, failure: change.failure}
						: pending,
				),
			};
		case 'withdrawn':
			return {...state, pending: without(state.pending, change.client_id)};
		case 'approvals':
			return {...state, approvals: change.approvals};
		case 'seen':
			return withSeen(state, change.feed, change.id);
		case 'trim':
			return trimmed(state, change.keep);
	}
}

/** The reason stays visible during the next attempt to connect. */
function troubleAfter(trouble: string | null, connection: Connection): string | null {
	if (connection.phase === 'offline') return connection.reason;
	return connection.phase === 'live' ? null : trouble;
}

/** A draft that replies to a message which was lost or replaced is no longer a reply. */
function withoutLostParent(pending: Pending, common: number): Pending {
	const {reply_to, ...draft} = pending.draft;
	return (reply_to ?? 0) > common ? {...pending, draft} : pending;
}

function without(pending: readonly Pending[], clientId: string): readonly Pending[] {
	return pending.filter(({draft}) => draft.client_id !== clientId);
}

function withSeen(state: State, feed: FeedId, id: number): State {
	const key = foldTag(feed);
	if (id <= Math.max(state.seen_from, state.seen.get(key) ?? 0)) return state;
	return {...state, seen: new Map(state.seen).set(key, id)};
}
