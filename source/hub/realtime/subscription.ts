import {DatabaseError, type Database} from '../database/database.ts';
import {parseBinding, type Binding, type BindingFilter} from './binding.ts';
import {ownScope, type Catalog, type Table} from './catalog.ts';
import {concerns} from './changes.ts';
import {inspectTuples} from './inspect.ts';

/** PostgreSQL's condition names for the errors that a filter's value can cause. */
const conditions: {readonly [code: string]: string} = {
	'22003': 'numeric_value_out_of_range',
	'22007': 'invalid_datetime_format',
	'22008': 'datetime_field_overflow',
	'22023': 'invalid_parameter_value',
	'22P02': 'invalid_text_representation',
	'42704': 'undefined_object',
	'42846': 'cannot_coerce',
	'42883': 'undefined_function',
	'54001': 'statement_too_complex',
	P0001: 'raise_exception',
};

/** Parses and checks the entries of `postgres_changes`; one error rejects them all. A string is Supabase Realtime's error message. */
export async function readBindings(
	database: Database,
	catalog: Catalog,
	role: string,
	entries: readonly {readonly [name: string]: unknown}[],
	limit: number,
): Promise<Binding[] | string> {
	if (entries.length > limit) return `Too many postgres_changes in one channel. Maximum ${limit}`;
	const bindings: Binding[] = [];
	for (const entry of entries) {
		const binding = parseBinding(entry);
		if (typeof binding === 'string') return binding;
		bindings.push(binding);
	}
	for (const binding of bindings) {
		const wrong = await check(database, catalog, role, binding);
		if (wrong !== null) return wrong;
	}
	return bindings;
}

async function check(database: Database, catalog: Catalog, role: string, binding: Binding): Promise<string | null> {
	const {event, schema, table, filter} = binding;
	const filters = inspectTuples(filter === null ? [] : [[filter.column, filter.operator, filter.value]]);
	const connect = `connect parameters: [event: ${event}, schema: ${schema}, table: ${table}, filters: ${filters}]`;
	const unable = 'Unable to subscribe to changes with given parameters.';
	const tables = [...(await catalog.tables()).values()].filter(table => concerns(binding, table));
	if (tables.length === 0) return `${unable} Please check Realtime is enabled for the given ${connect}`;
	try {
		const access = await catalog.access(role);
		for (const table of tables) {
			if (filter !== null) await checkFilter(database, table, filter, access.columns.get(table.oid));
		}
		return null;
	} catch (error) {
		if (!(error instanceof DatabaseError)) throw error;
		const {code, message} = error;
		return `${unable} An exception happened so please check your ${connect}. Exception: ERROR ${code} (${conditions[code] ?? code}) ${message}`;
	}
}

async function checkFilter(
	database: Database,
	table: Table,
	{column, operator, value}: BindingFilter,
	allowed: ReadonlySet<string> | undefined,
): Promise<void> {
	const type = table.columns.find(({name}) => name === column)?.type;
	if (type === undefined || allowed?.has(column) !== true) {
		throw new DatabaseError(`invalid column for filter ${column}`, 'P0001');
	}
	const text =
		operator === 'in'
			? `select cardinality($1::text::${type}[]) as count`
			: `select case when $1::text::${type} is null then 0 else 1 end as count`;
	const [result] = await database.run(ownScope, [{text, values: [value]}]);
	if (Number(result?.rows[0]?.['count']) > 100) {
		throw new DatabaseError('too many values for `in` filter. Maximum 100', 'P0001');
	}
}
