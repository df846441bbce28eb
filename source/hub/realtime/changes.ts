import type {Database} from '../database/database.ts';
import type {Binding, BindingFilter} from './binding.ts';
import type {Catalog, RoleAccess, Table} from './catalog.ts';
import {changeData, withheldReason, type WholeChange} from './change-data.ts';
import {ChangedRows, numbers, type SeenRows, type SubscriberRole} from './changed-rows.ts';
import {withHeaders} from './frame.ts';
import type {JsonText} from './json-text.ts';
import type {RowChange} from './notice.ts';

/** A channel that subscribed to changes. */
export interface Subscriber {
	readonly subscriber: SubscriberRole;
	readonly bindings: readonly Binding[];
	/** Those with an equal format get equal frames of the same changes. */
	readonly format: string;
	/** The text of a change's frame. `ids`: all bindings that match the change, the last one first. */
	frame(data: JsonText, type: string, ids: readonly number[]): string;
	/** Writes frames with their headers, which others may get, too. */
	deliver(frames: Buffer): void;
	/** Changes were lost: the client must join again and catch up. */
	lost(): void;
}

/** The subscribers to one table, with their filters. */
interface Interest {
	readonly subscribers: readonly Subscriber[];
	/** Without duplicates. */
	readonly filters: readonly BindingFilter[];
	/** By their JSON. */
	readonly nth: ReadonlyMap<string, number>;
}

/** Subscribers with the same format and bindings: what they get differs only by their rights. */
interface Group {
	readonly bindings: readonly Binding[];
	readonly subscribers: readonly Subscriber[];
}

/** A change with all that decides who gets it. */
interface Prepared {
	readonly row: WholeChange;
	/** Its index among the changes of its table. */
	readonly nth: number;
	/** The indexes of the filters that it passes. */
	readonly passed: ReadonlySet<number> | undefined;
	readonly of: TableChanges;
	/** Its `data`, by role. */
	readonly datas: Map<string, JsonText>;
}

/** What the changes of one table in a batch have in common. */
interface TableChanges {
	readonly table: Table;
	readonly interest: Interest;
	readonly accesses: ReadonlyMap<string, RoleAccess>;
	/** What each viewer sees, by its key; nothing for one that is not in it. */
	readonly seen: ReadonlyMap<string, SeenRows>;
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
	#groups: readonly Group[] | null = null;
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
		this.#regroup();
	}

	unsubscribe(subscriber: Subscriber): void {
		if (this.#subscribers.delete(subscriber)) this.#regroup();
	}

	/** Tables or rights have changed. */
	forget(): void {
		this.#catalog.forget();
		this.#interests.clear();
	}

	#regroup(): void {
		this.#interests.clear();
		this.#groups = null;
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
		queueMicrotask(() => void this.#drain());
	}

	async #drain(): Promise<void> {
		while (this.#waiting.length > 0) {
			let bytes = 0;
			let count = 0;
			for (const change of this.#waiting) {
				const size = change.bytes + (change.record?.length ?? 0) + (change.old?.length ?? 0);
				if (count === batchCount || (count > 0 && bytes + size > batchBytes)) break;
				bytes += size;
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
		const prepared = new Map<RowChange, Prepared>();
		const groups = this.#grouped();
		for (const [oid, changes] of byTable) {
			const table = tables.get(oid);
			const interest = table === undefined ? null : this.#interest(table);
			if (table !== undefined && interest !== null) await this.#prepare(table, interest, changes, prepared);
		}
		const inOrder = batch.flatMap(change => prepared.get(change) ?? []);
		if (inOrder.length === 0) return;
		const ofTables = [...new Set(inOrder.map(({of}) => of))];
		for (const group of groups) {
			const written = new Map<string, Buffer | null>();
			for (const subscriber of group.subscribers) {
				if (!this.#subscribers.has(subscriber)) continue;
				const {role, key} = subscriber.subscriber;
				const rights = JSON.stringify([role, ...ofTables.map(of => rowsSeen(of, role, key))]);
				let frames = written.get(rights);
				if (frames === undefined) written.set(rights, (frames = framesFor(group.bindings, subscriber, inOrder)));
				if (frames !== null) subscriber.deliver(frames);
			}
		}
	}

	/** Runs all queries for the changes of one table. */
	async #prepare(
		table: Table,
		interest: Interest,
		changes: readonly RowChange[],
		prepared: Map<RowChange, Prepared>,
	): Promise<void> {
		const {subscribers, filters} = interest;
		const rows = new ChangedRows(this.#database, table);
		const read = await rows.complete(changes);
		const whole = read.filter(change => change !== null);
		const accesses = await this.#accesses(subscribers.map(({subscriber}) => subscriber.role));
		const passed = filters.length === 0 ? [] : await rows.matching(whole, filters);
		const viewers = new Map(
			subscribers
				.map(({subscriber}) => subscriber)
				.filter(({role}) => accesses.get(role)?.sees.has(table.oid) === false)
				.map(subscriber => [subscriber.key, subscriber]),
		);
		const hasRows = whole.some(({type}) => type !== 'DELETE') && table.columns.some(({key}) => key);
		const ruleOf = (role: string): string | undefined => accesses.get(role)?.rules.get(table.oid);
		const seen = viewers.size > 0 && hasRows ? await rows.visible(whole, [...viewers.values()], ruleOf) : new Map();
		const of = {table, interest, accesses, seen};
		let nth = 0;
		for (const [index, change] of changes.entries()) {
			const row = read[index];
			if (row === undefined || row === null) continue;
			prepared.set(change, {row, nth, passed: passed[nth], of, datas: new Map()});
			nth += 1;
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
			const concerned = (subscriber: Subscriber): Binding[] =>
				subscriber.bindings.filter(binding => concerns(binding, table));
			const subscribers = [...this.#subscribers].filter(subscriber => concerned(subscriber).length > 0);
			const filters = subscribers.flatMap(subscriber => concerned(subscriber).flatMap(({filter}) => filter ?? []));
			const keys = [...new Set(filters.map(filter => JSON.stringify(filter)))];
			const nth = new Map(keys.map((key, index) => [key, index]));
			interest = {subscribers, filters: keys.map(key => JSON.parse(key) as BindingFilter), nth};
			this.#interests.set(table.oid, interest);
		}
		return interest.subscribers.length === 0 ? null : interest;
	}

	#grouped(): readonly Group[] {
		const byFrames = (subscriber: Subscriber): string => JSON.stringify([subscriber.format, subscriber.bindings]);
		this.#groups ??= [...Map.groupBy(this.#subscribers, byFrames).values()].map(subscribers => ({
			bindings: subscribers[0]?.bindings ?? [],
			subscribers,
		}));
		return this.#groups;
	}
}

/** Which rows a subscriber may see by its role or as a viewer. */
function rowsSeen({table, accesses, seen}: TableChanges, role: string, key: string): SeenRows {
	return accesses.get(role)?.sees.has(table.oid) === true ? 'all' : (seen.get(key) ?? '');
}

/** The frames of all changes that a subscriber of the group gets; null if there are none. */
function framesFor(bindings: readonly Binding[], subscriber: Subscriber, changes: readonly Prepared[]): Buffer | null {
	const {role, key} = subscriber.subscriber;
	const views = new Map<TableChanges, View>();
	const texts: string[] = [];
	for (const {row, nth, passed, of, datas} of changes) {
		const access = of.accesses.get(role);
		if (access === undefined) continue;
		let view = views.get(of);
		if (view === undefined) views.set(of, (view = viewOf(of, bindings, rowsSeen(of, role, key))));
		const refused = withheldReason(row, of.table, access) !== null;
		const ids = matches(view.bindings, row, filter => refused || passed?.has(filter) === true);
		if (ids.length === 0 || (!refused && row.type !== 'DELETE' && !view.sees(nth))) continue;
		let data = datas.get(role);
		if (data === undefined) datas.set(role, (data = changeData(row, of.table, access)));
		texts.push(subscriber.frame(data, row.type, ids));
	}
	return texts.length === 0 ? null : withHeaders(texts);
}

/** The changes of one table as a subscriber sees them. */
interface View {
	/** Its bindings that concern the table, with the indexes of their filters; null without one. */
	readonly bindings: readonly (Pick<Binding, 'id' | 'event'> & {readonly filter: number | null})[];
	sees(nth: number): boolean;
}

function viewOf({table, interest}: TableChanges, bindings: readonly Binding[], seen: SeenRows): View {
	const indexes = new Set(seen === 'all' ? [] : numbers(seen));
	return {
		bindings: bindings
			.filter(binding => concerns(binding, table))
			.map(({id, event, filter}) => ({
				id,
				event,
				filter: filter === null ? null : (interest.nth.get(JSON.stringify(filter)) ?? -1),
			})),
		sees: nth => seen === 'all' || indexes.has(nth),
	};
}

export function concerns({schema, table}: Binding, {schema: schemaName, name}: Table): boolean {
	return (schema === '*' || schema === schemaName) && (table === '*' || table === name);
}

function matches(bindings: View['bindings'], {type}: WholeChange, passes: (filter: number) => boolean): number[] {
	return bindings
		.filter(({event, filter}) => (event === '*' || event === type) && (filter === null || passes(filter)))
		.map(({id}) => id)
		.reverse();
}
