import {type HubResponse} from '../http/http.ts';
import {runRowsQuery} from './rows-query.ts';
import {type Column, type Routine} from './catalog/catalog.ts';
import {type RequestContext, header, scopeOf} from './request-context.ts';
import {maxAffectedNeedsSet} from './errors/error.ts';
import {type Guard} from './guard.ts';
import {bodyType, negotiate} from './query/media.ts';
import {parsePayload} from './query/payload.ts';
import {preferenceApplied} from './query/prefer.ts';
import {limitsAt} from './query/query.ts';
import {contentRange, requestedRange} from './query/range.ts';
import {countClauses, rowsResponse} from './read.ts';
import {type Source} from './plan/read-plan.ts';
import {type CallArguments, renderCall} from './render/render-call.ts';
import {type RenderedRead, renderCount, renderRead} from './render/render-read.ts';
import {pgrstSource} from './render/render-write.ts';
import {resolveRead} from './plan/resolve.ts';
import {findRoutine} from './catalog/routine.ts';
import {catalogName, identifier, sql} from './catalog/sql.ts';

/** GET, HEAD and POST on a function. */
export async function handleCall(context: RequestContext, name: string): Promise<HubResponse> {
	const {catalog, database, maxRows, preferences, query, request} = context;
	const args = argumentsOf(context);
	const keys = args.kind === 'body' ? args.payload.keys : [...new Set(args.given.map(([key]) => key))];
	const contentType = args.kind === 'body' ? bodyType(header(request, 'content-type')) : null;
	const routine = findRoutine(catalog, {name, keys, contentType});
	const range = request.method === 'GET' ? header(request, 'range') : undefined;
	const limits = requestedRange(limitsAt(query, []), range);
	const plan = resolveRead(catalog, query, rowsOf(routine), {limits, maxRows, rootConditions: true});
	const media = negotiate(header(request, 'accept'));
	const from = sql`${pgrstSource} as ${identifier(plan.alias)}`;
	const head = request.method === 'HEAD';
	const answer = await runRowsQuery(
		database,
		scopeOf(context, args.kind === 'query' || routine.volatility !== 'volatile'),
		{
			before: sql`with ${pgrstSource} as (${renderCall(routine, args, plan)}) `,
			read: scalar(routine, renderRead(plan, from, media.shape === 'csv')),
			media,
			single: !routine.set,
			bare: head || routine.returns === 'void',
			guards: guardsOf(context, routine, media.shape === 'object'),
			...(preferences.count === 'exact' || preferences.count === 'estimated'
				? countClauses(renderCount(plan, from), {...preferences, count: 'exact'}, maxRows)
				: {}),
		},
	);
	const applied = preferenceApplied({...preferences, resolution: null, missing: null, return: null});
	if (routine.returns === 'void') {
		const rows = {'Content-Range': contentRange(0, answer.rows - 1, answer.total)};
		return {status: answer.status ?? 204, headers: {...rows, ...applied, ...answer.headers}};
	}
	return rowsResponse(answer, {
		limits,
		preferences,
		head,
		maxRows,
		headers: {'Content-Type': media.contentType, ...applied},
	});
}

function argumentsOf({query, request}: RequestContext): CallArguments {
	if (request.method !== 'POST') return {kind: 'query', given: query.arguments};
	const type = bodyType(header(request, 'content-type'));
	if (type === 'application/x-www-form-urlencoded') {
		return {kind: 'query', given: [...new URLSearchParams(request.body.toString('utf8'))]};
	}
	return {kind: 'body', payload: parsePayload(request.body, type, {columns: query.columns, call: true})};
}

const scalarColumn: Column = {
	name: catalogName('pgrst_scalar'),
	type: catalogName('text'),
	display: 'text',
	base: 'text',
	nullable: true,
	default: null,
	maxLength: null,
	labels: [],
	description: null,
};

function rowsOf({name, returns, table, columns}: Routine): Source {
	const single = new Map([[scalarColumn.name as string, scalarColumn]]);
	return {label: table?.name ?? name, table, columns: returns === 'row' ? columns : single, fromCte: true};
}

/** Returns a scalar as itself, rather than as a row with one column. */
function scalar({returns}: Routine, read: RenderedRead): RenderedRead {
	if (returns === 'row' || read.keys !== null) return read;
	return {...read, element: sql`"r"."pgrst_scalar"`};
}

function guardsOf({preferences}: RequestContext, {set}: Routine, single: boolean): Guard[] {
	const {maxAffected, handling} = preferences;
	const limited = maxAffected !== null && handling === 'strict';
	if (limited && !set) throw maxAffectedNeedsSet();
	return [...(limited ? [{atMost: maxAffected}] : []), ...(single ? (['single'] as const) : [])];
}
