import {type HubResponse} from '../http/http.ts';
import {type RowsResult, runRowsQuery} from './rows-query.ts';
import {type Column, type Table} from './catalog/catalog.ts';
import {type RequestContext, findTable, header, scopeOf, sourceOf} from './request-context.ts';
import {badPutFilters, putWithLimit, RestError} from './errors/error.ts';
import {type Guard} from './guard.ts';
import {bodyType, negotiate} from './query/media.ts';
import {parsePayload} from './query/payload.ts';
import {preferenceApplied} from './query/prefer.ts';
import {contentRange} from './query/range.ts';
import {queryText} from './query/query-text.ts';
import {type Query} from './query/query.ts';
import {type ReadPlan} from './plan/read-plan.ts';
import {renderRead} from './render/render-read.ts';
import {
	type Conflict,
	insertedCount,
	pgrstSource,
	renderDelete,
	renderInsert,
	renderReturning,
	renderReturningKeys,
	renderUpdate,
	type Written,
} from './render/render-write.ts';
import {resolveCondition, resolveRead} from './plan/resolve.ts';
import {comma, identifier, nothing, sql, type Sql} from './catalog/sql.ts';

export type WriteMethod = 'POST' | 'PATCH' | 'PUT' | 'DELETE';

/** POST, PATCH, PUT and DELETE on a table: inserts, updates, upserts of one row, and deletes. */
export async function handleWrite(context: RequestContext, name: string, method: WriteMethod): Promise<HubResponse> {
	const {catalog, database, preferences, query, request} = context;
	const table = findTable(catalog, name);
	if (method === 'PUT') requireKeyFilters(table, query);
	const plan = resolveRead(
		catalog,
		{...query, limits: query.limits.filter(({path}) => path.length > 0)},
		sourceOf(table, true),
		{
			limits: {limit: null, offset: 0},
			maxRows: Infinity,
			rootConditions: false,
		},
	);
	const shown = preferences.return === 'representation';
	const write = renderWrite(context, table, plan, method);
	const media = negotiate(header(request, 'accept'));
	const answer = await runRowsQuery(database, scopeOf(context, false), {
		before: sql`with ${pgrstSource} as (${write}) `,
		read: shown
			? renderRead(plan, sql`${pgrstSource} as ${identifier(plan.alias)}`, media.shape === 'csv')
			: {select: sql`select 1 from ${pgrstSource}`, element: nothing, keys: null},
		media,
		bare: !shown,
		guards: guardsOf(context, method, media.shape === 'object'),
		more: [sql`${insertedCount} as "inserted"`, sql`${renderLocation(context, table, method)} as "location"`],
	});
	return writeResponse(context, answer, {table, method, contentType: media.contentType});
}

function renderWrite(
	{query, preferences, request}: RequestContext,
	table: Table,
	plan: ReadPlan,
	method: WriteMethod,
): Sql {
	const source = sourceOf(table, false);
	const returning =
		preferences.return === 'representation'
			? renderReturning(plan)
			: preferences.return === 'headers-only'
				? renderReturningKeys(table)
				: sql`1`;
	const conditions = query.conditions.filter(({path}) => path.length === 0).map(({it}) => resolveCondition(it, source));
	if (method === 'DELETE') return renderDelete(table, returning, conditions);
	const payload = parsePayload(request.body, bodyType(header(request, 'content-type')), {
		columns: method === 'PUT' ? null : query.columns,
		call: false,
	});
	const written: Written = {
		table,
		payload,
		columns: payload.keys.map(key => columnOf(table, key)),
		defaults: preferences.missing === 'default' && method !== 'PUT',
		returning,
	};
	if (method === 'PATCH') return renderUpdate(written, conditions);
	if (method === 'PUT') return renderInsert(written, {columns: table.primaryKey, merge: true}, conditions);
	return renderInsert(written, conflictOf(query.onConflict, table, preferences.resolution), []);
}

/** Throws PGRST204 if there is no such column. */
function columnOf(table: Table, key: string): Column {
	const column = table.columns.get(key);
	if (column !== undefined) return column;
	throw new RestError(400, 'PGRST204', `Could not find the '${key}' column of '${table.name}' in the schema cache`);
}

function conflictOf(names: readonly string[] | null, table: Table, resolution: string | null): Conflict | null {
	if (resolution === null) return null;
	const columns = names?.map(name => {
		const column = table.columns.get(name);
		if (column === undefined) throw new RestError(400, '42703', `column "${name}" does not exist`);
		return column.name;
	});
	return {columns: columns ?? table.primaryKey, merge: resolution === 'merge-duplicates'};
}

/** A PUT must filter by all columns of the primary key and by nothing else. Throws PGRST105 and PGRST114. */
function requireKeyFilters({primaryKey}: Table, {conditions, limits}: Query): void {
	if (limits.some(({path}) => path.length === 0)) throw putWithLimit();
	const keys = conditions.map(({path, it: condition}) => {
		if (path.length > 0 || condition.kind !== 'filter' || condition.negated) throw badPutFilters();
		const {operation, field} = condition;
		const equals = operation.kind === 'compare' && operation.operator === 'eq' && operation.quantifier === null;
		if (!equals || field.path.length > 0) throw badPutFilters();
		return field.name;
	});
	const all = primaryKey.length > 0 && primaryKey.every(key => keys.includes(key));
	if (!all || keys.some(key => !primaryKey.some(each => each === key))) throw badPutFilters();
}

function guardsOf({preferences}: RequestContext, method: WriteMethod, single: boolean): Guard[] {
	if (method === 'PUT') return ['put'];
	const {maxAffected, handling} = preferences;
	const atMost = maxAffected !== null && handling === 'strict' && method !== 'POST' ? [{atMost: maxAffected}] : [];
	return [...atMost, ...(single ? (['single'] as const) : [])];
}

/** The key of a single new row, for the Location header. */
function renderLocation({preferences}: RequestContext, {primaryKey}: Table, method: WriteMethod): Sql {
	if (method !== 'POST' || preferences.return !== 'headers-only' || primaryKey.length === 0) return sql`null`;
	const keys = comma(primaryKey.map(key => sql`${identifier(key)}::text`));
	return sql`case when count(*) = 1 then (select json_build_array(${keys})::text from ${pgrstSource}) end`;
}

interface WriteAnswer {
	readonly table: Table;
	readonly method: WriteMethod;
	readonly contentType: string;
}

function writeResponse(
	{preferences, query}: RequestContext,
	answer: RowsResult,
	{table, method, contentType}: WriteAnswer,
): HubResponse {
	const shown = preferences.return === 'representation';
	const {rows, status, body} = answer;
	const inserted = Number(answer.columns['inserted']);
	const counted = preferences.count === 'exact' || preferences.count === 'estimated' ? rows : null;
	const resolvable = table.primaryKey.length > 0 || query.onConflict !== null;
	const headers = {
		...(shown ? {'Content-Type': contentType} : {}),
		...placeOf(table, answer.columns['location']),
		...(method === 'PUT'
			? {}
			: {'Content-Range': method === 'PATCH' ? contentRange(0, rows - 1, counted) : contentRange(1, 0, counted)}),
		...preferenceApplied({
			...preferences,
			resolution: method === 'POST' && resolvable ? preferences.resolution : null,
			missing: method === 'POST' || method === 'PATCH' ? preferences.missing : null,
			maxAffected: method === 'PATCH' || method === 'DELETE' ? preferences.maxAffected : null,
		}),
		...answer.headers,
	};
	const merged = preferences.resolution === 'merge-duplicates' && inserted <= 0;
	const done = {
		POST: merged ? 200 : 201,
		PUT: shown ? (inserted > 0 ? 201 : 200) : 204,
		PATCH: shown ? 200 : 204,
		DELETE: shown ? 200 : 204,
	};
	return {status: status ?? done[method], headers, ...(shown ? {body} : {})};
}

function placeOf({name, primaryKey}: Table, keys: unknown): {readonly [name: string]: string} {
	if (typeof keys !== 'string') return {};
	const values = JSON.parse(keys) as readonly (string | null)[];
	const query = queryText(
		primaryKey.map((key, index): [string, string] => [
			key,
			typeof values[index] === 'string' ? `eq.${values[index]}` : 'is.null',
		]),
	);
	return {Location: `/${encodeURIComponent(name)}?${query}`};
}
