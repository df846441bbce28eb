import type {RealtimePostgresChangesPayload, SupabaseClient} from '@supabase/supabase-js';
import type {Database} from '../link/database.types.ts';

const tables = ['tasks', 'agents', 'receipts'] as const;
export type Table = 'messages' | (typeof tables)[number];

export interface ChangeListener {
	/** Changes are heard from now on. */
	joined(): void;
	/** Something changed. `record` is the row, or null when it did not come whole. */
	changed(table: Table, record: unknown): void;
	/** A message was redacted. `record` is what is left of it, or null when that did not come whole. */
	redacted(record: unknown): void;
	/** It is over, for this reason (one sentence). Told once, and nothing after it. */
	lost(reason: string): void;
}

/** Milliseconds that a join may take. */
const joinTimeout = 10_000;

/**
 * One connection to Realtime, from its first join to its first fault: never joined again, so that no event of an earlier
 * join can be taken for one of a later. It is a doorbell: whoever hears it reads what is true.
 */
export class ChangeFeed {
	readonly #client: SupabaseClient<Database>;
	readonly #listener: ChangeListener;
	#over = false;

	constructor(client: SupabaseClient<Database>, listener: ChangeListener) {
		this.#client = client;
		this.#listener = listener;
	}

	async hang(): Promise<void> {
		// The first join would go out before the token is known.
		await this.#client.realtime.setAuth();
		if (this.#over) return;
		const channel = this.#client.channel('agentmux');
		const on = (event: 'INSERT' | 'UPDATE' | '*', table: Table): void => {
			// The types tell the events apart by literals; the client does not.
			const filter = {event: event as '*', schema: 'public', table};
			channel.on('postgres_changes', filter, change => this.#change(table, change));
		};
		on('INSERT', 'messages');
		on('UPDATE', 'messages');
		for (const table of tables) on('*', table);
		channel.on('system', {}, (notice: {readonly status?: unknown; readonly message?: unknown}) => {
			if (notice.status === 'error') this.#lose(`Realtime says: ${String(notice.message)}.`);
			// Hosted Realtime joins seconds before it listens to the database: what came in between was not announced.
			else if (!this.#over) this.#listener.changed('messages', null);
		});
		channel.subscribe((status: string, error) => {
			if (this.#over) return;
			if (status === 'SUBSCRIBED') this.#listener.joined();
			else
				this.#lose(error === undefined ? 'The live connection was closed.' : `The live connection broke${why(error)}.`);
		}, joinTimeout);
	}

	close(): void {
		if (this.#over) return;
		this.#over = true;
		const {realtime} = this.#client;
		for (const channel of realtime.getChannels()) channel.teardown();
		// RealtimeClient.disconnect() does the same, and leaves a timer behind that keeps the process for ten seconds.
		(realtime as unknown as {socketAdapter: {getSocket(): {disconnect(): void}}}).socketAdapter
			.getSocket()
			.disconnect();
	}

	#change(
		table: Table,
		{eventType, new: record, errors}: RealtimePostgresChangesPayload<Record<string, unknown>>,
	): void {
		if (this.#over || eventType === 'DELETE') return;
		const whole = errors === null || errors === undefined || errors.length === 0;
		if (table === 'messages' && eventType === 'UPDATE') this.#listener.redacted(whole ? record : null);
		else this.#listener.changed(table, whole ? record : null);
	}

	#lose(reason: string): void {
		if (this.#over) return;
		this.close();
		this.#listener.lost(reason);
	}
}

/** What a failed join or a broken socket says for itself: not much, and not always text. */
function why({message}: Error): string {
	return message === '' || message.startsWith('[object') || message.startsWith('{')
		? ''
		: `: ${message.replace(/\.$/, '')}`;
}
