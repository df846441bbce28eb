import {depthLimitedDatabase} from '../database/depth-limited-database.ts';
import {type Database, DatabaseError} from '../database/database.ts';
import {type Handler, type HubRequest, type HubResponse} from '../http/http.ts';
import {handleCall} from './call.ts';
import {type Catalog, exposedSchemas} from './catalog/catalog.ts';
import {type RequestContext, header} from './request-context.ts';
import {errorResponse} from './errors/error-response.ts';
import {badMethod, badPath, badRpcMethod, RestError, unknownSchema} from './errors/error.ts';
import {guardError} from './guard.ts';
import {isMail} from './mail.ts';
import {handleRoot} from './openapi.ts';
import {handleOptions} from './options.ts';
import {parsePreferences} from './query/prefer.ts';
import {parseQuery} from './query/query.ts';
import {handleRead} from './read.ts';
import {SchemaCache} from './catalog/schema-cache.ts';
import {restErrorOf} from './errors/sqlstate.ts';
import {handleWrite} from './write.ts';

export interface RestOptions {
	/** The maximum number of rows in a response or in an embedded list; the default is Supabase's. */
	readonly maxRows?: number;
}

/** The REST API under `/rest/v1`, compatible with PostgREST, for the schema `public`. */
export function createRest(anyDepth: Database, {maxRows = 1000}: RestOptions = {}): {handle: Handler} {
	const database = depthLimitedDatabase(anyDepth);
	const cache = new SchemaCache(database);

	async function handle(request: HubRequest): Promise<HubResponse> {
		try {
			// Mail uses functions that do not change, and must not wait for a busy database.
			const catalog = await (isMail(request) ? cache.catalog(0) : cache.catalog());
			try {
				return await answer(request, catalog);
			} catch (error) {
				const newer = mayBeStale(error) ? await cache.newerThan(catalog) : null;
				if (newer === null) throw error;
				return await answer(request, newer);
			}
		} catch (error) {
			return errorResponse(toRestError(error, request), {}, request.method === 'HEAD');
		}
	}

	async function answer(request: HubRequest, catalog: Catalog): Promise<HubResponse> {
		const {method} = request;
		const target = targetOf(request.path);
		checkSchema(request);
		const call = target.kind === 'routine';
		const context: RequestContext = {
			database,
			catalog,
			request,
			maxRows,
			preferences: parsePreferences(header(request, 'prefer')),
			query: parseQuery(request.query, call && method !== 'POST'),
		};
		if (method === 'OPTIONS') return handleOptions(catalog, target);
		if (target.kind === 'root') {
			if (method !== 'GET' && method !== 'HEAD') throw badMethod(method);
			return handleRoot(context);
		}
		if (call) {
			if (method !== 'GET' && method !== 'HEAD' && method !== 'POST') throw badRpcMethod(method);
			return handleCall(context, target.name);
		}
		switch (method) {
			case 'GET':
			case 'HEAD':
				return handleRead(context, target.name);
			case 'POST':
			case 'PATCH':
			case 'PUT':
			case 'DELETE':
				return handleWrite(context, target.name, method);
			default:
				throw badMethod(method);
		}
	}

	return {handle};
}

type Target = {readonly kind: 'root'} | {readonly kind: 'table' | 'routine'; readonly name: string};

/** `/`, `/table`, `/rpc/function`. Throws PGRST125. */
function targetOf(path: string): Target {
	const [first, second, ...rest] = path.split('/').slice(1).map(decodePart);
	if (first === undefined || (first === '' && second === undefined)) return {kind: 'root'};
	if (first === 'rpc' && second !== undefined && second !== '' && rest.length === 0)
		return {kind: 'routine', name: second};
	if (first !== '' && second === undefined) return {kind: 'table', name: first};
	throw badPath();
}

function decodePart(part: string): string {
	try {
		return decodeURIComponent(part);
	} catch {
		throw badPath();
	}
}

/** Throws PGRST106. */
function checkSchema(request: HubRequest): void {
	const reads = request.method === 'GET' || request.method === 'HEAD';
	const schema = header(request, reads ? 'accept-profile' : 'content-profile');
	if (schema !== undefined && !exposedSchemas.includes(schema)) throw unknownSchema(schema, exposedSchemas);
}

// A name was not found: the schema may have changed since the catalog was read.
const staleCodes = new Set([
	'PGRST200',
	'PGRST202',
	'PGRST204',
	'PGRST205',
	'42703',
	'42704',
	'42P01',
	'42883',
	'42P13',
	'42804',
]);

function mayBeStale(error: unknown): boolean {
	return (error instanceof RestError || error instanceof DatabaseError) && staleCodes.has(error.code);
}

/** Throws errors that are not for the client. */
function toRestError(error: unknown, {caller}: HubRequest): RestError {
	if (error instanceof RestError) return error;
	if (error instanceof DatabaseError) return guardError(error) ?? restErrorOf(error, caller.role !== 'anon');
	throw error;
}
