import {DatabaseError, type Database, type Scope} from '../database/database.ts';
import {quoteIdentifier} from '../database/session.ts';
import {filterOperators, type BindingFilter} from './binding.ts';
import {ownScope, type Column, type Table} from './catalog.ts';
import {members, objectText, type JsonText} from './json-text.ts';
import type {WholeChange} from './change-data.ts';
import type {RowChange} from './notice.ts';

/** A role with its claims, which together determine the rows that a subscriber can see. */
export interface SubscriberRole {
	readonly role: string;
	/** JSON. */
	readonly claims: string;
	/** Both in one string, for comparison. */
	readonly key: string;
}

/** As the hub's own work, and before requests: changes must not wait behind what writes them. */
const bareScope: Scope = {role: 'postgres', claims: {}, mail: true, forRequest: false, isBare: true};

/** The changes whose rows a viewer sees: `all`, or their indexes, separated by commas. */
export type SeenRows = string;

/** Bytes. In larger records, Supabase Realtime leaves out all values of more than 64 bytes. */
const maxRecordSize = 1_048_576;

/** Queries about the changed rows of one table. */
export class ChangedRows {
	readonly #database: Database;
	readonly #table: Table;
	readonly #keys: readonly Column[];

	constructor(database: Database, table: Table) {
		this.#database = database;
		this.#table = table;
		this.#keys = table.columns.filter(column => column.key);
	}

	/** Reads the rows that were too large for a notice. Null: the row no longer exists. */
	async complete(changes: readonly RowChange[]): Promise<(WholeChange | null)[]> {
		const read = new Map<string, {readonly record: JsonText; readonly cut: boolean}>();
		const absent = (change: RowChange): boolean => change.bytes > 0 && change.type !== 'DELETE';
		const wanted = changes.flatMap((change, n) => (absent(change) ? [this.#row(n, change.record, this.#keys)] : []));
		if (wanted.length > 0 && this.#keys.length > 0) {
			const text = `
				select k."#" as n, (octet_length(j.row::text) > ${maxRecordSize})::text as cut,
					case when octet_length(j.row::text) > ${maxRecordSize} then (
						select coalesce(jsonb_object_agg(e.key, e.value), '{}') from jsonb_each(j.row) e
						where octet_length(e.value::text) <= 64 and e.value <> 'null'
					) else j.row end::text as record
				from jsonb_to_recordset($1::text::jsonb) as k("#" int, ${definitions(this.#keys)})
				join ${quoteIdentifier(this.#table.schema)}.${quoteIdentifier(this.#table.name)} t
					on ${this.#keys.map(({name}) => `t.${quoteIdentifier(name)} = k.${quoteIdentifier(name)}`).join(' and ')}
				cross join lateral (select to_jsonb(t) as row) j`;
			const [result] = await this.#database.run(ownScope, [{text, values: [`[${wanted.join(',')}]`]}]);
			for (const {n, record, cut} of result?.rows ?? []) {
				read.set(String(n), {record: String(record), cut: cut === 'true'});
			}
		}
		return changes.map((change, n) => {
			if (!absent(change) || this.#keys.length === 0) return {...change, cut: false};
			const row = read.get(String(n));
			return row === undefined ? null : {...change, ...row};
		});
	}

	/** For each change, the indexes of the filters that match its new row or, for a DELETE, the known part of its old row. */
	async matching(changes: readonly WholeChange[], filters: readonly BindingFilter[]): Promise<ReadonlySet<number>[]> {
		try {
			return await this.#evaluate(changes, filters);
		} catch (error) {
			if (!(error instanceof DatabaseError)) throw error;
			// A filter whose value no longer fits its column matches nothing; the others are evaluated one by one.
			if (filters.length === 1) return changes.map(() => new Set<number>());
			const alone = await Promise.all(filters.map(filter => this.matching(changes, [filter])));
			return changes.map((_, n) => new Set([...filters.keys()].filter(nth => alone[nth]?.[n]?.has(0) === true)));
		}
	}

	async #evaluate(changes: readonly WholeChange[], filters: readonly BindingFilter[]): Promise<ReadonlySet<number>[]> {
		const columns = this.#table.columns.filter(({name}) => filters.some(({column}) => column === name));
		const types = new Map(columns.map(({name, type}) => [name, type]));
		const conditions = filters.map(({column, operator}, nth) => {
			const type = types.get(column);
			if (type === undefined) return 'null';
			const value = `$${nth + 2}::text::${type}`;
			const name = `k.${quoteIdentifier(column)}`;
			return operator === 'in' ? `${name} = any (${value}[])` : `${name} ${filterOperators[operator]} ${value}`;
		});
		const text = `
			select k."#" as n, array_to_string(array_positions(array[${conditions.join(', ')}]::boolean[], true), ',') as passed
			from jsonb_to_recordset($1::text::jsonb) as k(${['"#" int', ...columns.map(column => definitions([column]))].join(', ')})`;
		const rows = changes.map((change, n) => this.#row(n, change.record ?? change.old, columns));
		const values = [`[${rows.join(',')}]`, ...filters.map(({value}) => value)];
		const [result] = await this.#database.run(ownScope, [{text, values}]);
		const passed = changes.map(() => new Set<number>());
		for (const row of result?.rows ?? []) {
			for (const nth of numbers(row['passed'])) passed[Number(row['n'])]?.add(nth - 1);
		}
		return passed;
	}

	/**
	 * For each viewer's key, the changes whose rows it can see under row level security. `ruleOf`: the policies that apply to a role, if
	 * they are the same for all rows; then the rows need not be looked at.
	 */
	async visible(
		changes: readonly WholeChange[],
		viewers: readonly SubscriberRole[],
		ruleOf: (role: string) => string | undefined,
	): Promise<ReadonlyMap<string, SeenRows>> {
		const seen = new Map<string, SeenRows>();
		for (const [rule, group] of Map.groupBy(viewers, ({role}) => ruleOf(role))) {
			const permitted = rule === undefined ? [] : await this.#permitted(rule, group);
			for (const [nth, {key}] of group.entries()) {
				const may = permitted[nth];
				if (typeof may === 'boolean') seen.set(key, may ? 'all' : '');
			}
		}
		const others = viewers.filter(({key}) => !seen.has(key));
		if (others.length > 0) {
			for (const [key, rows] of await this.#look(changes, others)) seen.set(key, rows);
		}
		return seen;
	}

	/** Whether each viewer passes a rule; null if that could not be found out. */
	async #permitted(rule: string, viewers: readonly SubscriberRole[]): Promise<(boolean | null)[]> {
		const audience = viewers.map(({role, claims}) => ({role, claims}));
		const text = `select array_to_json(realtime.permitted($1::text, $2::text::jsonb))::text as permitted`;
		const [result] = await this.#database.run(bareScope, [{text, values: [rule, JSON.stringify(audience)]}]);
		const permitted = result?.rows[0]?.['permitted'];
		return typeof permitted === 'string' ? (JSON.parse(permitted) as (boolean | null)[]) : [];
	}

	async #look(
		changes: readonly WholeChange[],
		viewers: readonly SubscriberRole[],
	): Promise<ReadonlyMap<string, SeenRows>> {
		const rows = `[${changes.map((change, n) => this.#row(n, change.record, this.#keys)).join(',')}]`;
		const [only, ...others] = viewers;
		if (only !== undefined && others.length === 0) return new Map([[only.key, await this.#seenBy(only, rows)]]);
		const audience = viewers.map(({role, claims}) => ({role, claims}));
		const [result] = await this.#database.run(ownScope, [
			{
				text: `select viewer, array_to_string(seen, ',') as seen from realtime.audience($1::text::oid::regclass, $2::text::jsonb, $3::text::jsonb)`,
				values: [this.#table.oid, rows, JSON.stringify(audience)],
			},
		]);
		return new Map(
			(result?.rows ?? []).map(({viewer: subscriber, seen}) => [
				viewers[Number(subscriber)]?.key ?? '',
				typeof seen === 'string' ? seen : '',
			]),
		);
	}

	/** The same for a single viewer, which is the most common case; a plain query takes a third of the time. */
	async #seenBy({role, claims}: SubscriberRole, rows: JsonText): Promise<SeenRows> {
		const text = `
			select k."#" as n from pg_catalog.jsonb_to_recordset($1::text::jsonb) as k("#" int, ${definitions(this.#keys)})
			join ${quoteIdentifier(this.#table.schema)}.${quoteIdentifier(this.#table.name)} t
				on ${this.#keys.map(({name}) => `t.${quoteIdentifier(name)} = k.${quoteIdentifier(name)}`).join(' and ')}`;
		try {
			// As the hub's own work, so that a viewer whose requests are paused still receives changes.
			const scope = {role, claims: JSON.parse(claims) as Scope['claims'], mail: true, forRequest: false};
			const [result] = await this.#database.run(scope, [{text, values: [rows]}]);
			return (result?.rows ?? []).map(({n}) => String(n)).join(',');
		} catch (error) {
			if (!(error instanceof DatabaseError)) throw error;
			// A policy that fails hides the rows.
			return '';
		}
	}

	#row(n: number, record: JsonText | null, columns: readonly Column[]): JsonText {
		const values = record === null ? new Map<string, JsonText>() : members(record);
		return objectText([['#', String(n)], ...columns.map(({name}) => [name, values.get(name) ?? 'null'] as const)]);
	}
}

export function numbers(list: unknown): number[] {
	return typeof list === 'string' && list !== '' ? list.split(',').map(Number) : [];
}

function definitions(columns: readonly Column[]): string {
	return columns.map(({name, type}) => `${quoteIdentifier(name)} ${type}`).join(', ');
}
