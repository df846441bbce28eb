import type {Cursor} from '../../mailbox/event.ts';
import type {MessageRows} from './message-rows.ts';
import {PageSize} from './page-size.ts';
import {isBeyond, type Anchor, type Position, type Row} from './position.ts';
import type {Requests} from './requests.ts';
import {rows} from './columns.ts';
import {readAnchor, readPolled, readRow} from './rows.ts';

/** The number of newest rows before a cursor that are all read; of the older ones, ever fewer are. */
const nearest = 64;

interface Pages {
	epoch(): Promise<string>;
	cursor(): Promise<Cursor>;
	page(after: Position, limit: number, verify?: boolean): Promise<Row[]>;
	before(anchor: Anchor): Promise<Anchor[]>;
}

/** Reads what the catch-up reads: rows in the order of their transactions. See its `Source`. */
export function createPages(requests: Requests, messages: MessageRows): Pages {
	const pageSize = new PageSize();
	return {
		async epoch(): Promise<string> {
			return (await messages.state()).epoch;
		},

		// The newest row before the oldest transaction that is still running: no row can be committed at or before it.
		async cursor(): Promise<Cursor> {
			const {epoch, horizon, settled} = await messages.state();
			// A database that lacks the migration only has the horizon.
			return {epoch, ...(settled ?? {xid: horizon, id: 0})};
		},

		async before(anchor: Anchor): Promise<Anchor[]> {
			const further: number[] = [];
			for (let back = nearest; back < anchor.id; back *= 2) further.push(anchor.id - back);
			const found = await requests.table(readAnchor, client =>
				client
					.from('messages')
					.select('id,xid,created_at')
					.or(`id.gt.${anchor.id - nearest},id.in.(1,${further.join()})`.replace(',)', ')'))
					.lte('id', anchor.id)
					.order('xid')
					.order('id'),
			);
			return found.filter(row => !isBeyond(row, anchor));
		},

		async page(after: Position, limit: number, verify = false): Promise<Row[]> {
			let epoch: string | undefined;
			const found = await pageSize.read(after, limit, ({xid, id}, p_limit) => {
				const args = {p_xid: xid, p_id: id, p_limit};
				const since = async () => rows(readRow, await requests.rpc('messages_since', args));
				if (!verify) return since();
				// That of the last request: it was read after all rows.
				epoch = undefined;
				return requests.newer(
					'messages_poll',
					async () => {
						const polled = rows(readPolled, await requests.rpc('messages_poll', args));
						epoch = polled[0]?.epoch;
						return polled;
					},
					since,
				);
			});
			const read = await messages.of(found.map(({message}) => message));
			return read.map((message, index) => ({message, settled: found[index]?.settled === true, epoch}));
		},
	};
}
