import type {Database} from '../database/database.ts';
import type {Binding, BindingFilter} from './binding.ts';
import type {Catalog, RoleAccess, Table} from './catalog.ts';
import {changeData, withheldReason, type WholeChange} from './change-data.ts';
import {ChangedRows, type SubscriberRole} from './changed-rows.ts';
import type {JsonText} from './json-text.ts';
import type {RowChange} from './notice.ts';

/** A channel that subscribed to changes. */
export interface Subscriber {
	readonly subscriber: SubscriberRole;
	readonly bindings: readonly Binding[];
	/** `ids`: all bindings that match the change, the last one first. */
	deliver(data: JsonText, type: string, ids: readonly number[]): void;
	/** Changes were lost: the client must join again and catch up. */
	lost(): void;
}

/** The subscribers to one table, with their filters. */
interface Interest {
	readonly subscribers: readonly {readonly subscriber: Subscriber; readonly bindings: readonly Binding[]}[];
	/** Without duplicates. */
	readonly filters: readonly BindingFilter[];
	readonly nth: ReadonlyMap<BindingFilter, number>;
}

const batchCount = 500;
const batchBytes = 8_388_608;

/** Delivers changes to their subscribers in commit order. Changes that arrive during a query form the next batch. */
export class Changes {
	readonly #database: Database;
	readonly #catalog: Catalog;
	readonly #limit: number;
	readonly #onError: (error: unknown) => void;
	readonly #subscribers = new Set<Subscriber>();
	readonly #interests = new Map<string, Interest>();
	#waiting: RowChange[] = [];
	#running = false;

	/** `limit`: the maximum number of waiting changes. */
	constructor(database: Database, catalog: Catalog, limit: number, onError: (error: unknown) => void) {
		this.#database = database;
		this.#catalog = catalog;
		this.#limit = limit;
		this.#onError = onError;
	}

	subscribe(subscriber: Subscriber): void {
		this.#subscribers.add(subscriber);
		this.#interests.clear();
	}

	unsubscribe(subscriber: Subscriber): void {
		if (this.#subscribers.delete(subscriber)) this.#interests.clear();
	}

	/** Tables or rights have changed. */
	forget(): void {
		this.#catalog.forget();
		this.#interests.clear();
	}

	enqueue(change: RowChange): void {
		if (this.#subscribers.size === 0) return;
		this.#waiting.push(change);
		if (this.#waiting.length > this.#limit) {
			this.#waiting = [];
			for (const subscriber of this.#subscribers) subscriber.lost();
			return;
		}
		if (this.#running) return;
		this.#running = true;
		// The other notices of the transaction arrive in the same tick.
		setImmediate(() => void this.#drain());
	}

	async #drain(): Promise<void> {
		while (this.#waiting.length > 0) {
			let bytes = 0;
			let count = 0;
			for (const change of this.#waiting) {
				if (count === batchCount || (count > 0 && bytes + change.bytes > batchBytes)) break;
				bytes += change.bytes;
				count++;
			}
			const batch = this.#waiting.splice(0, count);
			try {
				await this.#deliver(batch);
			} catch (error) {
				this.#onError(error);
				for (const subscriber of this.#subscribers) subscriber.lost();
			}
		}
		this.#running = false;
	}

	async #deliver(batch: readonly RowChange[]): Promise<void> {
		const tables = await this.#catalog.tables();
		const byTable = Map.groupBy(batch, change => change.relation);
		const deliveries = new Map<RowChange, () => void>();
		for (const [oid, changes] of byTable) {
			const table = tables.get(oid);
			const interest = table === undefined ? null : this.#interest(table);
			if (table !== undefined && interest !== null) await this.#prepare(table, interest, changes, deliveries);
		}
		for (const change of batch) deliveries.get(change)?.();
	}

	/** Runs all queries for the changes of one table, and adds a function to `deliveries` that delivers each change. */
	async #prepare(
		table: Table,
		{subscribers, filters, nth: filterNth}: Interest,
		changes: readonly RowChange[],
		deliveries: Map<RowChange, () => void>,
	): Promise<void> {
		const rows = new ChangedRows(this.#database, table);
		const read = await rows.complete(changes);
		const whole = read.filter(change => change !== null);
		const accesses = await this.#accesses(subscribers.map(({subscriber}) => subscriber.subscriber.role));
		const passed = filters.length === 0 ? [] : await rows.matching(whole, filters);
		const viewers = new Map(
			subscribers
				.map(({subscriber: {subscriber}}) => subscriber)
				.filter(({role}) => accesses.get(role)?.sees.has(table.oid) === false)
				.map(subscriber => [subscriber.key, subscriber]),
		);
		const hasRows = whole.some(({type}) => type !== 'DELETE') && table.columns.some(({key}) => key);
		const seen = viewers.size > 0 && hasRows ? await rows.visible(whole, [...viewers.values()]) : new Map();
		let nth = 0;
		for (const [index, change] of changes.entries()) {
			const row = read[index];
			if (row === undefined || row === null) continue;
			const n = nth++;
			deliveries.set(change, () => {
				const datas = new Map<string, JsonText>();
				for (const {subscriber, bindings} of subscribers) {
					const {role, key} = subscriber.subscriber;
					const access = accesses.get(role);
					if (access === undefined || !this.#subscribers.has(subscriber)) continue;
					const refused = withheldReason(row, table, access) !== null;
					const ids = matches(bindings, row, filter => refused || passed[n]?.has(filterNth.get(filter) ?? -1) === true);
					const hidden = !access.sees.has(table.oid) && !refused && row.type !== 'DELETE';
					if (ids.length === 0 || (hidden && seen.get(key)?.has(n) !== true)) continue;
					let data = datas.get(role);
					if (data === undefined) datas.set(role, (data = changeData(row, table, access)));
					subscriber.deliver(data, row.type, ids);
				}
			});
		}
	}

	async #accesses(roles: readonly string[]): Promise<ReadonlyMap<string, RoleAccess>> {
		const accesses = new Map<string, RoleAccess>();
		for (const role of new Set(roles)) {
			try {
				accesses.set(role, await this.#catalog.access(role));
			} catch (error) {
				// The role may have been dropped; it can read nothing.
				this.#onError(error);
			}
		}
		return accesses;
	}

	#interest(table: Table): Interest | null {
		let interest = this.#interests.get(table.oid);
		if (interest === undefined) {
			const all = [...this.#subscribers].map(subscriber => ({
				subscriber,
				bindings: subscriber.bindings.filter(binding => concerns(binding, table)),
			}));
			const subscribers = all.filter(({bindings}) => bindings.length > 0);
			const filters = subscribers.flatMap(({bindings}) => bindings.flatMap(({filter}) => filter ?? []));
			const keys = [...new Set(filters.map(filter => JSON.stringify(filter)))];
			const nth = new Map(filters.map(filter => [filter, keys.indexOf(JSON.stringify(filter))]));
			interest = {subscribers, filters: keys.map(key => JSON.parse(key) as BindingFilter), nth};
			this.#interests.set(table.oid, interest);
		}
		return interest.subscribers.length === 0 ? null : interest;
	}
}

export function concerns({schema, table}: Binding, {schema: schemaName, name}: Table): boolean {
	return (schema === '*' || schema === schemaName) && (table === '*' || table === name);
}

function matches(
	bindings: readonly Binding[],
	{type}: WholeChange,
	passes: (filter: BindingFilter) => boolean,
): number[] {
	return bindings
		.filter(({event, filter}) => (event === '*' || event === type) && (filter === null || passes(filter)))
		.map(({id}) => id)
		.reverse();
}
