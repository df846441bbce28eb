import type {Database} from '../database/database.ts';
import type {Binding, Filter} from './binding.ts';
import type {Catalog, Reader, Table} from './catalog.ts';
import {changeData, refusal, type WholeChange} from './change-data.ts';
import {ChangeRows, type SubscriberRole} from './change-rows.ts';
import type {JsonText} from './json-text.ts';
import type {Change} from './notice.ts';

/** A channel that asked for changes. */
export interface Subscriber {
	readonly subscriber: SubscriberRole;
	readonly bindings: readonly Binding[];
	/** `ids` of all bindings that the change matches, the last one first. */
	deliver(data: JsonText, type: string, ids: readonly number[]): void;
	/** Changes were lost: it has to join again and catch up. */
	lost(): void;
}

/** Who wants to know of one table's changes, and by which filters. */
interface Interest {
	readonly subscribers: readonly {readonly subscriber: Subscriber; readonly bindings: readonly Binding[]}[];
	/** Each filter once. */
	readonly filters: readonly Filter[];
	readonly nth: ReadonlyMap<Filter, number>;
}

const batchCount = 500;
const batchBytes = 8_388_608;

/** Brings changes to their subscribers, in the order of their commits: what arrives while the database answers is one batch. */
export class Changes {
	readonly #database: Database;
	readonly #catalog: Catalog;
	readonly #limit: number;
	readonly #fault: (error: unknown) => void;
	readonly #subscribers = new Set<Subscriber>();
	readonly #interests = new Map<string, Interest>();
	#waiting: Change[] = [];
	#running = false;

	/** `limit`: changes that may wait. */
	constructor(database: Database, catalog: Catalog, limit: number, fault: (error: unknown) => void) {
		this.#database = database;
		this.#catalog = catalog;
		this.#limit = limit;
		this.#fault = fault;
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

	take(change: Change): void {
		if (this.#subscribers.size === 0) return;
		this.#waiting.push(change);
		if (this.#waiting.length > this.#limit) {
			this.#waiting = [];
			for (const subscriber of this.#subscribers) subscriber.lost();
			return;
		}
		if (this.#running) return;
		this.#running = true;
		// The rest of a transaction's notices arrives in this tick.
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
				await this.#bring(batch);
			} catch (error) {
				this.#fault(error);
				for (const subscriber of this.#subscribers) subscriber.lost();
			}
		}
		this.#running = false;
	}

	async #bring(batch: readonly Change[]): Promise<void> {
		const tables = await this.#catalog.tables();
		const byTable = Map.groupBy(batch, change => change.relation);
		const deliveries = new Map<Change, () => void>();
		for (const [oid, changes] of byTable) {
			const table = tables.get(oid);
			const interest = table === undefined ? null : this.#interest(table);
			if (table !== undefined && interest !== null) await this.#prepare(table, interest, changes, deliveries);
		}
		for (const change of batch) deliveries.get(change)?.();
	}

	/** Asks the database all that the changes of one table need, and keeps for each change what then is to be done. */
	async #prepare(
		table: Table,
		{subscribers, filters, nth: filterNth}: Interest,
		changes: readonly Change[],
		deliveries: Map<Change, () => void>,
	): Promise<void> {
		const rows = new ChangeRows(this.#database, table);
		const read = await rows.whole(changes);
		const whole = read.filter(change => change !== null);
		const readers = await this.#readers(subscribers.map(({subscriber}) => subscriber.subscriber.role));
		const passed = filters.length === 0 ? [] : await rows.passed(whole, filters);
		const viewers = new Map(
			subscribers
				.map(({subscriber: {subscriber}}) => subscriber)
				.filter(({role}) => readers.get(role)?.sees.has(table.oid) === false)
				.map(subscriber => [subscriber.key, subscriber]),
		);
		const rowsStand = whole.some(({type}) => type !== 'DELETE') && table.columns.some(({key}) => key);
		const seen = viewers.size > 0 && rowsStand ? await rows.seen(whole, [...viewers.values()]) : new Map();
		let nth = 0;
		for (const [index, change] of changes.entries()) {
			const row = read[index];
			if (row === undefined || row === null) continue;
			const n = nth++;
			deliveries.set(change, () => {
				const datas = new Map<string, JsonText>();
				for (const {subscriber, bindings} of subscribers) {
					const {role, key} = subscriber.subscriber;
					const reader = readers.get(role);
					if (reader === undefined || !this.#subscribers.has(subscriber)) continue;
					const refused = refusal(row, table, reader) !== null;
					const ids = matches(bindings, row, filter => refused || passed[n]?.has(filterNth.get(filter) ?? -1) === true);
					const hidden = !reader.sees.has(table.oid) && !refused && row.type !== 'DELETE';
					if (ids.length === 0 || (hidden && seen.get(key)?.has(n) !== true)) continue;
					let data = datas.get(role);
					if (data === undefined) datas.set(role, (data = changeData(row, table, reader)));
					subscriber.deliver(data, row.type, ids);
				}
			});
		}
	}

	async #readers(roles: readonly string[]): Promise<ReadonlyMap<string, Reader>> {
		const readers = new Map<string, Reader>();
		for (const role of new Set(roles)) {
			try {
				readers.set(role, await this.#catalog.reader(role));
			} catch (error) {
				// A role that was dropped reads nothing.
				this.#fault(error);
			}
		}
		return readers;
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
			interest = {subscribers, filters: keys.map(key => JSON.parse(key) as Filter), nth};
			this.#interests.set(table.oid, interest);
		}
		return interest.subscribers.length === 0 ? null : interest;
	}
}

export function concerns({schema, table}: Binding, {schema: schemaName, name}: Table): boolean {
	return (schema === '*' || schema === schemaName) && (table === '*' || table === name);
}

function matches(bindings: readonly Binding[], {type}: WholeChange, passes: (filter: Filter) => boolean): number[] {
	return bindings
		.filter(({event, filter}) => (event === '*' || event === type) && (filter === null || passes(filter)))
		.map(({id}) => id)
		.reverse();
}
