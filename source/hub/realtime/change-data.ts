import type {Reader, Table} from './catalog.ts';
import {members, objectText, type JsonText} from './json-text.ts';
import type {Change} from './notice.ts';

/** A change with its row at hand. */
export interface WholeChange extends Change {
	/** The row is above 1 MiB and cut. */
	readonly cut: boolean;
}

/** Why a role is told of a change, but nothing about it. */
export function refusal(change: Change, table: Table, reader: Reader): string | null {
	if (change.type === 'DELETE') return null;
	const keys = table.columns.filter(column => column.key);
	if (keys.length === 0) return 'Error 400: Bad Request, no primary key';
	const allowed = reader.columns.get(table.oid);
	return keys.every(key => allowed?.has(key.name)) ? null : 'Error 401: Unauthorized';
}

/** The `data` of a change as one role may see it. */
export function changeData(change: WholeChange, table: Table, reader: Reader): JsonText {
	const refused = refusal(change, table, reader);
	const allowed = reader.columns.get(table.oid) ?? new Set<string>();
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
		// Nobody can say who saw a row that is gone: under row level security only its key is told.
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
