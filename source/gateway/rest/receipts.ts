import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {Message} from '../../mailbox/message.ts';
import type {Checked, CheckOptions, InboxQuery, TakeOptions} from '../../mailbox/query.ts';
import type {Receipt} from '../../mailbox/receipt.ts';
import {sameTag, type Tag} from '../../mailbox/tag.ts';
import type {MessageRows} from './message-rows.ts';
import type {Requests} from './requests.ts';
import {rows} from './columns.ts';
import {readChecked, readReceipt} from './rows.ts';

type Receipts = Pick<
	Mailbox,
	| 'inbox'
	| 'take'
	| 'check'
	| 'release'
	| 'deliver'
	| 'giveBack'
	| 'endTurn'
	| 'endSessions'
	| 'wake'
	| 'ack'
	| 'receipts'
>;

/** Reads and records which messages wait for whom. */
export function createReceipts(requests: Requests, messages: MessageRows, identity: () => Tag): Receipts {
	const receipts: Receipts = {
		async inbox(reader: Tag, {limit = 50, free = false}: InboxQuery = {}): Promise<Message[]> {
			return messages.read(await requests.rpc('inbox', {p_reader: reader, p_limit: limit, p_free: free}));
		},

		// Not made twice: if the response is lost, its messages can be taken again when their lease runs out.
		async take(options: TakeOptions): Promise<Message[]> {
			return messages.read(await requests.rpc('inbox_take', takeArguments(options), {twice: false}));
		},

		// As for `take`.
		check(options: CheckOptions): Promise<Checked> {
			const {named = 11, open = false} = options;
			return requests.newer(
				'inbox_check',
				async () => {
					const args = {...takeArguments(options), p_named: named, p_open: open};
					const {messages: taken, ...rest} = readChecked(await requests.rpc('inbox_check', args, {twice: false}));
					return {...rest, messages: await messages.of(taken)};
				},
				() => checkBySteps(receipts, identity(), options),
			);
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
			const found: Receipt[] = [];
			// The length of an address is limited.
			for (let at = 0; at < ids.length; at += 200) {
				const some = ids.slice(at, at + 200);
				const data = await requests.request(client => client.from('receipts').select().in('message_id', some));
				found.push(...rows(readReceipt, data));
			}
			return found;
		},
	};
	return receipts;
}

function takeArguments({limit = 20, route, takeId, session, bytes}: TakeOptions) {
	return {
		p_limit: limit,
		p_route: route,
		...(takeId === undefined ? {} : {p_take_id: takeId}),
		...(session === undefined ? {} : {p_session: session}),
		...(bytes === undefined ? {} : {p_bytes: bytes}),
	};
}

/** A check of a database that has no function for it. What was taken is handed over even if the rest of it fails. */
async function checkBySteps(
	mailbox: Pick<Receipts, 'take' | 'inbox' | 'receipts'>,
	me: Tag,
	{named = 11, open = false, ...options}: CheckOptions,
): Promise<Checked> {
	const own = async (messages: readonly Message[]): Promise<Receipt[]> =>
		messages.length === 0
			? []
			: (await mailbox.receipts(messages.map(({id}) => id))).filter(({reader}) => sameTag(reader, me));
	const messages = await mailbox.take(options);
	if (messages.length === 0) {
		const given = open ? await mailbox.inbox(me).then(own, () => []) : [];
		const ids = given.map(({message_id}) => message_id).sort((a, b) => a - b);
		return {messages, receipts: [], waiting: [], open: ids, paused: null};
	}
	const [receipts, waiting] = await Promise.all([
		own(messages).catch(() => []),
		mailbox.inbox(me, {free: true, limit: named}).then(
			found => found.map(({id}) => id),
			() => null,
		),
	]);
	return {messages, receipts, waiting, open: [], paused: null};
}
