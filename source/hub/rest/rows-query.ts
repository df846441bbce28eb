import {type Database, type Scope, type Statement} from '../database/database.ts';
import {RestError} from './errors/error.ts';
import {type Guard, guarded} from './guard.ts';
import {type Media} from './query/media.ts';
import {type RenderedRead, row} from './render/render-read.ts';
import {join, nothing, sql, type Sql, statement, value} from './catalog/sql.ts';

/** A statement that does the work and builds the response's body. */
export interface RowsQuery {
	/** Precedes the select: `with "pgrst_source" as (...) `. */
	readonly before?: Sql;
	readonly read: RenderedRead;
	readonly media: Media;
	/** The body is one value rather than an array. */
	readonly single?: boolean;
	/** The response has no body. */
	readonly bare: boolean;
	readonly total?: Sql;
	readonly guards?: readonly Guard[];
	/** Additional columns of the result. */
	readonly more?: readonly Sql[];
	/** A query to explain, for the planner's estimate, in the same transaction. */
	readonly explain?: Sql;
}

export interface RowsResult {
	readonly rows: number;
	readonly total: number | null;
	readonly body: string;
	/** Set by functions in the database (PostgREST docs: references/transactions, "Response Headers"). */
	readonly headers: {readonly [name: string]: string};
	readonly status: number | null;
	readonly columns: {readonly [column: string]: unknown};
	/** The planner's estimate of the number of rows. */
	readonly planned: number | null;
}

export async function runRowsQuery(database: Database, scope: Scope, query: RowsQuery): Promise<RowsResult> {
	// One message is inserted by the same statement as the last one, whatever is in it.
	const statements: Statement[] = [{...statement(renderRowsQuery(query)), isPrepared: scope.bounded === true}];
	if (query.explain !== undefined) statements.push(statement(sql`explain (format json) ${query.explain}`));
	const [result, explained] = await database.run(scope, statements);
	const columns = result?.rows[0] ?? {};
	const {rows, total, body, headers, status} = columns;
	return {
		rows: Number(rows),
		total: total === null || total === undefined ? null : Number(total),
		body: typeof body === 'string' ? body : '',
		headers: responseHeaders(headers),
		status: responseStatus(status),
		columns,
		planned: explained === undefined ? null : plannedRows(explained.rows[0]?.['QUERY PLAN']),
	};
}

function renderRowsQuery({
	before = nothing,
	read,
	media,
	single = false,
	bare,
	total,
	guards = [],
	more = [],
}: RowsQuery): Sql {
	const body = bare ? sql`''` : renderBody(read, media, single);
	return sql`${before}select count(*) as "rows", ${total ?? sql`null`} as "total", ${guarded(body, guards)} as "body", ${setting(
		'headers',
	)} as "headers", ${setting('status')} as "status"${join(
		more.map(each => sql`, ${each}`),
		nothing,
	)} from (${read.select}) as ${row}`;
}

function renderBody({element, keys}: RenderedRead, {shape, stripped}: Media, single: boolean): Sql {
	if (shape === 'csv') {
		const line = value('\n');
		const text = sql`${row}::text`;
		const lines = sql`string_agg(substring(${text} from 2 for length(${text}) - 2), ${line}::text)`;
		return sql`case when count(*) = 0 then '' else ${value((keys ?? []).join(','))}::text end || ${line}::text || coalesce(${lines}, '')`;
	}
	const list = sql`json_agg(${element})`;
	const whole = single || shape === 'object' ? sql`(${list} -> 0)` : list;
	const json = stripped ? sql`json_strip_nulls(${whole})` : whole;
	return sql`coalesce(${json}::text, ${value(single || shape === 'object' ? 'null' : '[]')}::text)`;
}

function setting(name: 'headers' | 'status'): Sql {
	return name === 'headers'
		? sql`nullif(current_setting('response.headers', true), '')`
		: sql`nullif(current_setting('response.status', true), '')`;
}

function responseHeaders(text: unknown): {readonly [name: string]: string} {
	if (typeof text !== 'string') return {};
	try {
		const list: unknown = JSON.parse(text);
		if (!Array.isArray(list)) throw new TypeError('no array');
		return Object.fromEntries(
			list.flatMap((each: unknown) => {
				const entries = typeof each === 'object' && each !== null ? Object.entries(each) : [];
				if (entries.length !== 1 || typeof entries[0]?.[1] !== 'string') throw new TypeError('no header');
				return entries as [string, string][];
			}),
		);
	} catch {
		throw new RestError(
			500,
			'PGRST111',
			'response.headers guc must be a JSON array composed of objects with a single key and a string value',
		);
	}
}

function responseStatus(text: unknown): number | null {
	if (typeof text !== 'string') return null;
	if (/^[2-5]\d\d$/.test(text)) return Number(text);
	throw new RestError(500, 'PGRST112', 'response.status guc must be a valid status code');
}

function plannedRows(text: unknown): number | null {
	const plan = (typeof text === 'string' ? JSON.parse(text) : text) as
		| readonly {readonly Plan?: {readonly 'Plan Rows'?: number}}[]
		| undefined;
	return plan?.[0]?.Plan?.['Plan Rows'] ?? null;
}
