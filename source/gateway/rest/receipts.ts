import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {Message} from '../../mailbox/message.ts';
import type {InboxQuery, TakeOptions} from '../../mailbox/query.ts';
import type {Receipt} from '../../mailbox/receipt.ts';
import type {Tag} from '../../mailbox/tag.ts';
import type {MessageRows} from './message-rows.ts';
import type {Requests} from './requests.ts';
import {rows} from './columns.ts';
import {readReceipt} from './rows.ts';

type Receipts = Pick<
	Mailbox,
	'inbox' | 'take' | 'release' | 'deliver' | 'giveBack' | 'endTurn' | 'endSessions' | 'wake' | 'ack' | 'receipts'
>;

/** Reads and records which messages wait for whom. */
export function createReceipts(requests: Requests, messages: MessageRows): Receipts {
	return {
		async inbox(reader: Tag, {limit = 50, free = false}: InboxQuery = {}): Promise<Message[]> {
			return messages.read(await requests.rpc('inbox', {p_reader: reader, p_limit: limit, p_free: free}));
		},

		// Not made twice: if the response is lost, its messages can be taken again when their lease runs out.
		async take({limit = 20, route, takeId, session, bytes}: TakeOptions): Promise<Message[]> {
			const args = {
				p_limit: limit,
				p_route: route,
				...(takeId === undefined ? {} : {p_take_id: takeId}),
				...(session === undefined ? {} : {p_session: session}),
				...(bytes === undefined ? {} : {p_bytes: bytes}),
			};
			return messages.read(await requests.rpc('inbox_take', args, {twice: false}));
		},

		async release(takeId: string): Promise<void> {
			await requests.rpc('receipt_release', {p_take_id: takeId});
		},

		async deliver(ids: readonly number[], route: string, session?: string): Promise<void> {
			await requests.rpc('receipt_deliver', {p_ids: ids, p_route: route, p_session: session ?? null});
		},

		async giveBack(session: string): Promise<void> {
			await requests.rpc('receipt_return', {p_session: session});
		},

		async endTurn(session: string): Promise<void> {
			await requests.rpc('inbox_take', {p_limit: 0, p_session: session, p_ended: 'turn'});
		},

		async endSessions(sessions: readonly string[]): Promise<void> {
			await requests.rpc('session_end', {p_sessions: sessions});
		},

		// Not made twice: the wake was counted, and the session is woken again if it takes nothing.
		async wake(session: string): Promise<Message[]> {
			return messages.read(await requests.rpc('wake_begin', {p_session: session}, {twice: false}));
		},

		async ack(ids: readonly number[], route: string): Promise<void> {
			await requests.rpc('receipt_ack', {p_ids: ids, p_route: route});
		},

		async receipts(ids: readonly number[]): Promise<Receipt[]> {
			const receipts: Receipt[] = [];
			// The length of an address is limited.
			for (let at = 0; at < ids.length; at += 200) {
				const some = ids.slice(at, at + 200);
				const data = await requests.request(client => client.from('receipts').select().in('message_id', some));
				receipts.push(...rows(readReceipt, data));
			}
			return receipts;
		},
	};
}
