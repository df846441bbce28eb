import {isAgentSql} from '../management/agent-sql.ts';
import {type Database, type Scope} from '../database/database.ts';
import {type HubRequest} from '../http/http.ts';
import {type Catalog, exposedSchemas, type Table} from './catalog/catalog.ts';
import {RestError} from './errors/error.ts';
import {isMail, isOneMessage, isOwnersInsert} from './mail.ts';
import {nearest} from './catalog/nearest.ts';
import {type Preferences} from './query/prefer.ts';
import {type Query} from './query/query.ts';
import {type Source} from './plan/read-plan.ts';

/** A request with everything needed to answer it. */
export interface RequestContext {
	readonly database: Database;
	readonly catalog: Catalog;
	readonly request: HubRequest;
	readonly query: Query;
	readonly preferences: Preferences;
	readonly maxRows: number;
}

/** A header's value; undefined if it was not sent. */
export function header({headers}: Pick<HubRequest, 'headers'>, name: string): string | undefined {
	const text = headers[name];
	return Array.isArray(text) ? text.join(', ') : text;
}

/** The scope of a request: the caller's role and claims, and the settings by which PostgREST describes the request. */
export function scopeOf({request, preferences}: RequestContext, readOnly: boolean): Scope {
	const {caller, method, path} = request;
	const {cookie: _, ...others} = request.headers;
	const headers = Object.fromEntries(Object.keys(others).map(name => [name, header(request, name) ?? '']));
	return {
		role: caller.role,
		claims: caller.claims,
		readOnly,
		mail: isMail(request),
		bounded: isOneMessage(request) || isOwnersInsert(request),
		sql: isAgentSql(path),
		settings: {
			search_path: [...exposedSchemas, 'extensions'].map(schema => `"${schema}"`).join(', '),
			'request.headers': JSON.stringify(headers),
			'request.cookies': JSON.stringify(cookiesOf(header(request, 'cookie'))),
			'request.method': method,
			'request.path': path,
			...(preferences.timezone === null ? {} : {timezone: preferences.timezone}),
		},
	};
}

function cookiesOf(text = ''): {readonly [name: string]: string} {
	const pairs = text.split(';').map(pair => pair.trim().split('=', 2));
	return Object.fromEntries(pairs.flatMap(([name = '', cookie]) => (cookie === undefined ? [] : [[name, cookie]])));
}

/** Throws PGRST205 if there is no such table. */
export function findTable({tables}: Catalog, name: string): Table {
	const table = tables.get(name);
	if (table !== undefined) return table;
	const near = nearest(name, tables.keys());
	throw new RestError(404, 'PGRST205', `Could not find the table '${exposedSchemas[0]}.${name}' in the schema cache`, {
		hint: near === null ? null : `Perhaps you meant the table '${exposedSchemas[0]}.${near}'`,
	});
}

export function sourceOf(table: Table, fromCte: boolean): Source {
	return {label: table.name, columns: table.columns, table, fromCte};
}
