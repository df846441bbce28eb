import type {RealtimePostgresChangesPayload, SupabaseClient} from '@supabase/supabase-js';
import type {About} from '../../mailbox/event.ts';
import type {Database} from '../link/database.types.ts';

const tables = ['tasks', 'agents', 'receipts'] as const;
export type RosterTable = (typeof tables)[number];
export type Table = 'messages' | RosterTable;

export interface ChangeListener {
	/** Changes are received from now on. */
	joined(): void;
	/** Something changed. `record` is the row, or null if it arrived incomplete. */
	changed(table: Table, record: unknown): void;
	/** A row was deleted. `key` has its primary key. */
	removed(table: RosterTable, key: unknown): void;
	/** A message was redacted. `record` is the remaining row, or null if it arrived incomplete. */
	redacted(record: unknown): void;
	/** The connection has ended, for this reason (one sentence). The last call. */
	lost(reason: string): void;
}

/** Milliseconds that a join may take. */
const joinTimeout = 10_000;

/**
 * One connection to Realtime, from its first join to its first error. It never joins a second time, so that an event of an
 * earlier join cannot be mistaken for one of a later join. It is only a doorbell: its listener then reads the database.
 */
export class ChangeFeed {
	readonly #client: SupabaseClient<Database>;
	readonly #about: About;
	readonly #listener: ChangeListener;
	#over = false;

	constructor(client: SupabaseClient<Database>, about: About, listener: ChangeListener) {
		this.#client = client;
		this.#about = about;
		this.#listener = listener;
	}

	async start(): Promise<void> {
		// Otherwise the first join would be sent before the token is known.
		await this.#client.realtime.setAuth();
		if (this.#over) return;
		const channel = this.#client.channel('agentmux');
		const on = (event: 'INSERT' | 'UPDATE' | '*', table: Table, rows?: string): void => {
			// Only the types distinguish the events; the client accepts any.
			const filter = {event: event as '*', schema: 'public', table, ...(rows === undefined ? {} : {filter: rows})};
			channel.on('postgres_changes', filter, change => this.#change(table, change));
		};
		on('INSERT', 'messages');
		on('UPDATE', 'messages');
		if (this.#about === 'everything') for (const table of tables) on('*', table);
		else if (this.#about !== 'messages') {
			on('*', 'agents', `tag=eq.${this.#about.agent}`);
			on('*', 'receipts', `reader=eq.${this.#about.agent}`);
		}
		channel.on('system', {}, (notice: {readonly status?: unknown; readonly message?: unknown}) => {
			if (notice.status === 'error') this.#lose(`Realtime reported an error: ${String(notice.message)}.`);
			// Hosted Realtime joins seconds before it listens to the database: changes in between were not announced.
			else if (!this.#over) this.#listener.changed('messages', null);
		});
		channel.subscribe((status: string, error) => {
			if (this.#over) return;
			if (status === 'SUBSCRIBED') this.#listener.joined();
			else
				this.#lose(
					error === undefined ? 'The live connection was closed.' : `The live connection broke${reasonIn(error)}.`,
				);
		}, joinTimeout);
	}

	close(): void {
		if (this.#over) return;
		this.#over = true;
		const {realtime} = this.#client;
		for (const channel of realtime.getChannels()) channel.teardown();
		// RealtimeClient.disconnect() does the same, but leaves a timer that keeps the process alive for ten seconds.
		(realtime as unknown as {socketAdapter: {getSocket(): {disconnect(): void}}}).socketAdapter
			.getSocket()
			.disconnect();
	}

	#change(
		table: Table,
		{eventType, new: record, old, errors}: RealtimePostgresChangesPayload<Record<string, unknown>>,
	): void {
		if (this.#over) return;
		if (eventType === 'DELETE') {
			if (table !== 'messages') this.#listener.removed(table, old);
			return;
		}
		const isComplete = errors === null || errors === undefined || errors.length === 0;
		if (table === 'messages' && eventType === 'UPDATE') this.#listener.redacted(isComplete ? record : null);
		else this.#listener.changed(table, isComplete ? record : null);
	}

	#lose(reason: string): void {
		if (this.#over) return;
		this.close();
		this.#listener.lost(reason);
	}
}

/** The reason that a failed join or a broken socket gives, which is short and not always text. */
function reasonIn({message}: Error): string {
	return message === '' || message.startsWith('[object') || message.startsWith('{')
		? ''
		: `: ${message.replace(/\.$/, '')}`;
}
