import {type Column, type Table} from '../catalog/catalog.ts';
import {type Payload} from '../query/payload.ts';
import {type PlannedCondition, type ReadPlan, type Term} from '../plan/read-plan.ts';
import {body, bodyAlias, typedColumns} from './body.ts';
import {isAggregate, renderCondition} from './render-condition.ts';
import {
	catalogText,
	comma,
	generatedName,
	identifier,
	join,
	type Name,
	nothing,
	qualified,
	sql,
	type Sql,
	value,
} from '../catalog/sql.ts';

/** The CTE with the rows of a write or a call. */
export const pgrstSource: Sql = sql`"pgrst_source"`;

/** The number of rows that an upsert inserted rather than updated; the statement counts them in a setting. */
export const insertedCount: Sql = sql`coalesce(nullif(current_setting('agentmux.inserted', true), ''), '0')::int`;

const target: Sql = identifier(generatedName('t', 0));

export interface Written {
	readonly table: Table;
	readonly columns: readonly Column[];
	readonly payload: Payload;
	/** Whether missing keys become the column's default rather than null. */
	readonly defaults: boolean;
	readonly returning: Sql;
}

export interface Conflict {
	readonly columns: readonly Name[];
	readonly merge: boolean;
}

/** `conditions`: conditions on the rows of the body (PUT). */
export function renderInsert(
	{table, columns, payload, defaults, returning}: Written,
	conflict: Conflict | null,
	conditions: readonly PlannedCondition[],
): Sql {
	const names = columns.map(({name}) => identifier(name));
	const into = names.length === 0 ? nothing : sql` (${comma(names)})`;
	const counted = conflict?.merge === true ? [count(sql`+`)] : [];
	const filters = [...counted, ...conditions.map(each => renderOn(each, bodyAlias))];
	const picked = comma(names.map(name => sql`${body}.${name}`));
	return sql`insert into ${qualified(table)} as ${target}${into} select ${picked} from ${renderBody(columns, payload, defaults)}${
		filters.length === 0 ? nothing : sql` where ${join(filters, sql` and `)}`
	}${renderConflict(conflict, names)} returning ${returning}`;
}

export function renderUpdate(
	{table, columns, payload, defaults, returning}: Written,
	conditions: readonly PlannedCondition[],
): Sql {
	// An update that sets nothing is not an error, and changes nothing.
	if (columns.length === 0) return sql`select ${returning} from ${qualified(table)} as ${target} where false`;
	const set = comma(columns.map(({name}) => sql`${identifier(name)} = ${body}.${identifier(name)}`));
	return sql`update ${qualified(table)} as ${target} set ${set} from ${renderBody(columns, payload, defaults)}${renderWhere(conditions)} returning ${returning}`;
}

export function renderDelete(table: Table, returning: Sql, conditions: readonly PlannedCondition[]): Sql {
	return sql`delete from ${qualified(table)} as ${target}${renderWhere(conditions)} returning ${returning}`;
}

/** Only the columns in the response: others might need privileges that the request does not. */
export function renderReturning(plan: ReadPlan): Sql {
	const terms: Term[] = [
		...plan.outputs.flatMap(output => (output.kind === 'term' ? [output.term] : [])),
		...plan.orders.filter(({related}) => related === null).map(({term}) => term),
	];
	const all =
		plan.outputs.some(({kind}) => kind === 'star') ||
		plan.outputs.length + plan.embeds.length === 0 ||
		plan.embeds.some(({relationship}) => relationship.routine !== undefined);
	const columns = new Set<Name>([
		...terms.flatMap(term => (term.kind === 'column' ? [term.column.name] : [])),
		...plan.embeds.flatMap(({relationship}) => relationship.columns.map(([near]) => near)),
	]);
	const computed = new Map(
		terms.flatMap(term =>
			term.kind === 'computed' && !isAggregate(term.routine) ? [[term.routine.name, term.routine]] : [],
		),
	);
	return comma([
		...(all ? [sql`${target}.*`] : [...columns].map(name => sql`${target}.${identifier(name)}`)),
		...[...computed.values()].map(routine => sql`${qualified(routine)}(${target}) as ${identifier(routine.name)}`),
	]);
}

export function renderReturningKeys({primaryKey}: Table): Sql {
	return primaryKey.length === 0 ? sql`1` : comma(primaryKey.map(name => sql`${target}.${identifier(name)}`));
}

/** A JSON body as rows, with each key as a typed column. */
function renderBody(columns: readonly Column[], payload: Payload, defaults: boolean): Sql {
	const json = sql`${value(payload.text)}`;
	if (columns.length === 0) {
		return payload.isObject ? sql`(values (1)) as ${body}` : sql`json_array_elements(${json}::json) as ${body}`;
	}
	const typed = typedColumns(columns);
	if (!defaults) {
		const expand = payload.isObject ? sql`json_to_record` : sql`json_to_recordset`;
		return sql`${expand}(${json}::json) as ${body}(${typed})`;
	}
	const filled = renderDefaults(columns);
	if (payload.isObject) return sql`jsonb_to_record(${filled} || ${json}::jsonb) as ${body}(${typed})`;
	const elements = sql`(select jsonb_agg(${filled} || "element") from jsonb_array_elements(${json}::jsonb) as "element")`;
	return sql`jsonb_to_recordset(${elements}) as ${body}(${typed})`;
}

/** In several parts, because a function takes at most a hundred arguments. */
function renderDefaults(columns: readonly Column[]): Sql {
	const pairs = columns.flatMap(column =>
		column.default === null ? [] : [sql`${value(column.name)}::text, ${catalogText(column.default)}`],
	);
	const parts: Sql[] = [];
	for (let start = 0; start < pairs.length; start += 50) {
		parts.push(sql`jsonb_build_object(${comma(pairs.slice(start, start + 50))})`);
	}
	return parts.length === 0 ? sql`'{}'::jsonb` : join(parts, sql` || `);
}

function renderConflict(conflict: Conflict | null, names: readonly Sql[]): Sql {
	if (conflict === null || conflict.columns.length === 0) return nothing;
	const on = sql` on conflict (${comma(conflict.columns.map(identifier))})`;
	if (!conflict.merge || names.length === 0) return sql`${on} do nothing`;
	const set = comma(names.map(name => sql`${name} = excluded.${name}`));
	return sql`${on} do update set ${set} where ${count(sql`-`)}`;
}

function count(sign: Sql): Sql {
	return sql`set_config('agentmux.inserted', (${insertedCount} ${sign} 1)::text, true) <> ''`;
}

function renderWhere(conditions: readonly PlannedCondition[]): Sql {
	if (conditions.length === 0) return nothing;
	return sql` where ${join(
		conditions.map(each => renderOn(each, generatedName('t', 0))),
		sql` and `,
	)}`;
}

function renderOn(condition: PlannedCondition, alias: Name): Sql {
	// A write embeds nothing, so there are no tests for embedded rows.
	return renderCondition(condition, {alias, source: {fromCte: false}}, () => sql`true`);
}
