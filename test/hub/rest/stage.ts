import {createClient, type SupabaseClient} from '@supabase/supabase-js';
import {bootstrap} from '../../../source/hub/schema/bootstrap.ts';
import {type Database} from '../../../source/hub/database/database.ts';
import {type Caller, type HubResponse} from '../../../source/hub/http/http.ts';
import {openPostgresDatabase} from './postgres-database.ts';
import {createRest, type RestOptions} from '../../../source/hub/rest/rest.ts';
import {openInMemory} from '../../helpers/prepared.ts';

/** A database with Supabase's roles, the REST API over it, and functions to send requests. */
export interface Stage {
	readonly database: Database;
	/** As the owner. */
	sql(script: string): Promise<void>;
	/** supabase-js, unmodified, whose fetch ends at the handler. */
	client(caller?: Caller): SupabaseClient;
	/** A raw request; `body` is sent as it is. */
	ask(
		method: string,
		path: string,
		options?: {headers?: Record<string, string>; body?: unknown; caller?: Caller},
	): Promise<HubResponse & {json: any; headers: Record<string, string>}>; // oxlint-disable-line typescript/no-explicit-any
}

export const service: Caller = {role: 'service_role', claims: {role: 'service_role'}};
export const anon: Caller = {role: 'anon', claims: {role: 'anon'}};

const grants = `
alter default privileges in schema public grant all on tables to service_role;
alter default privileges in schema public grant all on sequences to service_role;
`;

export const engines: ReadonlyArray<{readonly engine: string; readonly open: () => Promise<Database>}> = [
	{engine: 'PGlite', open: () => openInMemory()},
	{engine: 'PostgreSQL', open: () => openPostgresDatabase()},
];

export async function openStage(schema: string, database: Database, options: RestOptions = {}): Promise<Stage> {
	const sql = async (script: string): Promise<void> => {
		await database.script({role: 'postgres', claims: {}}, script);
	};
	await bootstrap(database);
	await sql(grants + schema);
	const rest = createRest(database, options);
	const handle = (url: URL, method: string, headers: Headers, body: Buffer, caller: Caller): Promise<HubResponse> =>
		rest.handle({
			method,
			path: url.pathname.replace(/^\/rest\/v1/, '') || '/',
			query: url.searchParams,
			headers: Object.fromEntries(headers),
			body,
			caller,
		});
	return {
		database,
		sql,
		client: (caller = service) =>
			createClient('http://hub.test', 'key', {
				auth: {persistSession: false, autoRefreshToken: false},
				global: {
					fetch: async (input, init) => {
						const request = new Request(input, init);
						const body = Buffer.from(await request.arrayBuffer());
						const response = await handle(new URL(request.url), request.method, request.headers, body, caller);
						const text = response.body === undefined || [204, 304].includes(response.status) ? null : response.body;
						return new Response(typeof text === 'string' ? text : text && new Uint8Array(text), {
							status: response.status,
							headers: response.headers ?? {},
						});
					},
				},
			}),
		ask: async (method, path, {headers = {}, body, caller = service} = {}) => {
			const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
			const all = new Headers({...(body === undefined ? {} : {'content-type': 'application/json'}), ...headers});
			const url = new URL(path, 'http://hub.test');
			const response = await handle(url, method, all, Buffer.from(text), caller);
			let json: unknown = null;
			try {
				json = JSON.parse(String(response.body));
			} catch {
				json = null;
			}
			return {...response, headers: response.headers ?? {}, json};
		},
	};
}
