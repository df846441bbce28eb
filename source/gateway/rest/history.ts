import {MailboxError} from '../../mailbox/error.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import {inChannel, type Message, type MessageRow} from '../../mailbox/message.ts';
import type {Channel, HistoryQuery} from '../../mailbox/query.ts';
import type {ChainHead, CheckedSeal} from '../../mailbox/seal.ts';
import type {ChangeQuery, ControlChange, StateChange} from '../../mailbox/state-change.ts';
import type {MessageRows} from './message-rows.ts';
import type {Requests} from './requests.ts';
import {rows} from './columns.ts';
import {readChainHead, readChange, readChannel, readCheckedSeal, readControlChange, readMessage} from './rows.ts';

type History = Pick<Mailbox, 'history' | 'channels' | 'changes' | 'controlChanges' | 'seal' | 'checkSeals'>;

/** Reads the history of messages and of states, and its seals. */
export function createHistory(requests: Requests, messages: MessageRows): History {
	return {
		async history({channel, thread, before, after, limit = 100, oldest = false}: HistoryQuery): Promise<Message[]> {
			const size = Math.min(Math.max(limit, 1), 1000);
			const inOrder = (found: MessageRow[]): Promise<Message[]> => messages.of(oldest ? found : found.reverse());
			if (channel !== undefined && thread === undefined) {
				const args = {p_tag: channel, p_before: before ?? null, p_after: after ?? null, p_limit: size};
				return inOrder(
					rows(readMessage, await requests.rpc(oldest ? 'channel_messages_after' : 'channel_messages', args)),
				);
			}
			const found = await requests.table(readMessage, client => {
				let query = client.from('messages').select();
				if (thread !== undefined) query = query.eq('thread_id', thread);
				if (before !== undefined) query = query.lt('id', before);
				if (after !== undefined) query = query.gt('id', after);
				return query.order('id', {ascending: oldest}).limit(channel === undefined ? size : 1000);
			});
			const wanted = channel === undefined ? found : found.filter(message => inChannel(message, channel));
			return inOrder(wanted.slice(0, size));
		},

		async channels(): Promise<Channel[]> {
			return rows(readChannel, await requests.rpc('channels', {}));
		},

		async changes({from, to, before, limit}: ChangeQuery): Promise<StateChange[]> {
			const args = {
				p_from: from,
				p_to: before?.at ?? to ?? null,
				p_before: before?.id ?? null,
				p_limit: limit ?? null,
			};
			return rows(readChange, await requests.rpc('events_between', args)).reverse();
		},

		// Their ids are in the order of their times.
		async controlChanges({from, to, before, limit = 1000}: ChangeQuery): Promise<ControlChange[]> {
			const found = await requests.table(readControlChange, client => {
				let query = client.from('events').select().in('kind', ['approval', 'pause']).gte('at', from);
				if (before !== undefined) query = query.lt('id', before.id);
				else if (to !== undefined) query = query.lt('at', to);
				return query.order('id', {ascending: false}).limit(limit);
			});
			return found.reverse();
		},

		async seal(): Promise<ChainHead> {
			const [head] = rows(readChainHead, await requests.rpc('seal_history', {}));
			if (head === undefined) throw new MailboxError('internal', 'seal_history answered without a row.');
			return head;
		},

		async checkSeals(after: number): Promise<CheckedSeal[]> {
			return rows(readCheckedSeal, await requests.rpc('verify_history', {p_after: after}));
		},
	};
}
