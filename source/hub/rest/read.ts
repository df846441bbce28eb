import {type HubResponse} from '../http/http.ts';
import {type RowsResult, runRowsQuery} from './rows-query.ts';
import {type RequestContext, findTable, header, scopeOf, sourceOf} from './request-context.ts';
import {errorResponse} from './errors/error-response.ts';
import {badRange} from './errors/error.ts';
import {negotiate} from './query/media.ts';
import {type Preferences, preferenceApplied} from './query/prefer.ts';
import {type Limits, limitsAt} from './query/query.ts';
import {queryText} from './query/query-text.ts';
import {contentRange, rangeStatus, requestedRange} from './query/range.ts';
import {renderCount, renderRead} from './render/render-read.ts';
import {resolveRead} from './plan/resolve.ts';
import {identifier, qualified, sql, type Sql, value} from './catalog/sql.ts';

/** GET and HEAD on a table. */
export async function handleRead(context: RequestContext, name: string): Promise<HubResponse> {
	const {catalog, database, maxRows, preferences, query, request} = context;
	const table = findTable(catalog, name);
	const head = request.method === 'HEAD';
	const limits = requestedRange(limitsAt(query, []), head ? undefined : header(request, 'range'));
	const plan = resolveRead(catalog, query, sourceOf(table, false), {limits, maxRows, rootConditions: true});
	const media = negotiate(header(request, 'accept'));
	const from = sql`${qualified(table)} as ${identifier(plan.alias)}`;
	const answer = await runRowsQuery(database, scopeOf(context, true), {
		read: renderRead(plan, from, media.shape === 'csv'),
		media,
		bare: head,
		...countClauses(renderCount(plan, from), preferences, maxRows),
		...(media.shape === 'object' ? {guards: ['single']} : {}),
	});
	return rowsResponse(answer, {
		limits,
		preferences,
		head,
		maxRows,
		headers: {
			'Content-Type': media.contentType,
			...placeOf(name, request.query),
			...preferenceApplied({...preferences, resolution: null, missing: null, return: null, maxAffected: null}),
		},
	});
}

/** Characters of a Content-Location; Node's fetch rejects a response whose headers exceed 16 KB in total. */
const maxLocationLength = 8192;

/** The Content-Location: the URL in canonical form; none if it is too long. */
function placeOf(name: string, query: URLSearchParams): {readonly [name: string]: string} {
	const canonical = queryText([...query].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
	const location = `/${encodeURIComponent(name)}${canonical === '' ? '' : `?${canonical}`}`;
	return location.length > maxLocationLength ? {} : {'Content-Location': location};
}

/** The additions to the statement for `Prefer: count=`. */
export function countClauses(counted: Sql, {count}: Preferences, maxRows: number): {total?: Sql; explain?: Sql} {
	const explain = count === 'planned' || count === 'estimated' ? {explain: counted} : {};
	if (count === 'exact') return {total: sql`(select count(*) from (${counted}) as "n")`};
	// Above the maximum number of rows in a response, the planner's estimate is good enough.
	if (count === 'estimated') {
		return {
			...explain,
			total: sql`(select count(*) from (${counted} limit ${value(String(maxRows + 1))}::bigint) as "n")`,
		};
	}
	return explain;
}

interface RowsAnswer {
	readonly limits: Limits;
	readonly preferences: Preferences;
	readonly head: boolean;
	readonly maxRows: number;
	readonly headers: {readonly [name: string]: string};
}

/** The response with rows and their range: 200, 206 if there are more rows, 416 beyond the end. */
export function rowsResponse(
	answer: RowsResult,
	{limits, preferences, head, maxRows, headers}: RowsAnswer,
): HubResponse {
	const total = totalOf(answer, preferences, maxRows);
	const {offset} = limits;
	const status = rangeStatus(offset, answer.rows, total);
	const range = {'Content-Range': contentRange(offset, offset + answer.rows - 1, total)};
	if (status === 416) {
		const error = badRange(`An offset of ${offset} was requested, but there are only ${total ?? 0} rows.`);
		return errorResponse(error, {...range, ...headers, 'Content-Type': 'application/json; charset=utf-8'}, head);
	}
	return {
		status: answer.status ?? status,
		headers: {...range, ...headers, ...answer.headers},
		...(head ? {} : {body: answer.body}),
	};
}

function totalOf({total, planned}: RowsResult, {count}: Preferences, maxRows: number): number | null {
	if (count === 'planned') return planned;
	if (count === 'estimated' && total !== null && total > maxRows) return Math.max(total, planned ?? 0);
	return total;
}
