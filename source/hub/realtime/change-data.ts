import type {RoleAccess, Table} from './catalog.ts';
import {members, objectText, type JsonText} from './json-text.ts';
import type {RowChange} from './notice.ts';

/** A change with its complete row. */
export interface WholeChange extends RowChange {
	/** The row is larger than 1 MiB, so large values were left out. */
	readonly cut: boolean;
}

/** Why a role receives the change without its contents; null if it receives them. */
export function withheldReason(change: RowChange, table: Table, access: RoleAccess): string | null {
	if (change.type === 'DELETE') return null;
	const keys = table.columns.filter(column => column.key);
	if (keys.length === 0) return 'Error 400: Bad Request, no primary key';
	const allowed = access.columns.get(table.oid);
	return keys.every(key => allowed?.has(key.name)) ? null : 'Error 401: Unauthorized';
}

/** The `data` of a change, with the columns that the role may see. */
export function changeData(change: WholeChange, table: Table, access: RoleAccess): JsonText {
	const refused = withheldReason(change, table, access);
	const allowed = access.columns.get(table.oid) ?? new Set<string>();
	const columns = refused === null ? table.columns.filter(({name}) => allowed.has(name)) : [];
	const whole = columns.length === table.columns.length && !table.partial;
	const names = new Set(columns.map(({name}) => name));
	const keys = new Set(columns.filter(({key}) => key).map(({name}) => name));
	const parts = [
		`"columns":${JSON.stringify(columns.map(({name, udt}) => ({name, type: udt})))}`,
		`"commit_timestamp":${refused === null ? JSON.stringify(change.at) : 'null'}`,
		`"errors":${errors(refused, change.cut)}`,
	];
	if (change.type !== 'INSERT') {
		// It is impossible to check who could see a deleted row, so with row level security only its key is sent.
		const secret = change.type === 'DELETE' && table.secured;
		parts.push(`"old_record":${whole && !secret ? (change.old ?? '{}') : only(change.old, secret ? keys : names)}`);
	}
	if (change.type !== 'DELETE') {
		parts.push(`"record":${whole ? (change.record ?? '{}') : only(change.record, names)}`);
	}
	parts.push(
		`"schema":${JSON.stringify(table.schema)}`,
		`"table":${JSON.stringify(table.name)}`,
		`"type":"${change.type}"`,
	);
	return `{${parts.join(',')}}`;
}

function errors(refused: string | null, cut: boolean): JsonText {
	if (refused !== null) return JSON.stringify([refused]);
	return cut ? '["Error 413: Payload Too Large"]' : 'null';
}

function only(record: JsonText | null, names: ReadonlySet<string>): JsonText {
	return record === null ? '{}' : objectText([...members(record)].filter(([name]) => names.has(name)));
}
