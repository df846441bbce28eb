import {runAgentSql} from './agent-sql.ts';
import {parseArray} from '../database/array-text.ts';
import {owner} from '../schema/bootstrap.ts';
import {depthLimitedDatabase, isTooDeep, tooDeep} from '../database/depth-limited-database.ts';
import {DatabaseError, type Database, type Result, type Scope} from '../database/database.ts';
import {json, refusal, type Handler, type HubRequest, type HubResponse} from '../http/http.ts';
import {applyMigration} from '../schema/migrations.ts';
import {pausedCode} from '../database/pauses.ts';
import {isQuery, isUpkeep, requireReadsOnly} from '../database/reads-only.ts';
import {readSql} from '../files/read-sql.ts';

// As on Supabase, read-only SQL runs with a role that can do nothing else.
const reader: Scope = {role: 'supabase_read_only_user', claims: {role: 'supabase_read_only_user'}, readOnly: true};

/**
 * The calls of Supabase's management API (https://api.supabase.com/api/v1) that its MCP server makes for a database, under
 * `/v1/projects/{ref}`. With the service_role key they run as the owner; with an agent's token, queries run as that agent.
 */
export function createManagement(anyDepth: Database): {handle: Handler} {
	const database = depthLimitedDatabase(anyDepth);
	return {
		async handle(request) {
			const {role} = request.caller;
			const isAgent = role === 'authenticated';
			if (!isAgent && role !== 'service_role') return refusal(401, 'Unauthorized: this needs the service_role key.');
			const call = /^\/[^/]+\/database\/(query|migrations)$/.exec(request.path)?.[1];
			if (isAgent && call === 'migrations') return refusal(403, 'Migrations are for the owner of the database.');
			try {
				if (call === 'query' && request.method === 'POST') return await query(database, request);
				if (call === 'migrations' && request.method === 'GET') return json(200, await listMigrations(database));
				if (call === 'migrations' && request.method === 'POST') return await addMigration(database, request);
			} catch (error) {
				if (error instanceof DatabaseError) {
					const status = error.code === pausedCode ? 429 : 400;
					return refusal(status, `Failed to run sql query: ${report(error)}`);
				}
				throw error;
			}
			return refusal(404, `Cannot ${request.method} /v1/projects${request.path}`);
		},
	};
}

async function query(database: Database, {body, caller, signal}: HubRequest): Promise<HubResponse> {
	if (isTooDeep(body.toString('utf8'))) throw tooDeep();
	const input = parseObject(body);
	const {query: sql, parameters = [], read_only: readOnly = false} = input ?? {};
	if (typeof sql !== 'string' || sql === '') return refusal(400, 'query: must be a string that is not empty');
	if (!Array.isArray(parameters)) return refusal(400, 'parameters: must be an array');
	if (sql.includes('\0')) return refusal(400, 'query: must not contain NUL');
	if (caller.role === 'authenticated') {
		const lines = await runAgentSql(database, caller, {sql, parameters, readOnly: readOnly === true}, signal);
		return {...json(201, []), body: `[${lines.join(',')}]`};
	}
	if (readOnly === true) requireReadsOnly(sql);
	const scope: Scope = {
		...(readOnly === true ? reader : owner),
		isOwnSql: true,
		forRequest: isQuery(sql),
		isUnlimited: readOnly !== true && isUpkeep(sql),
	};
	const results =
		parameters.length === 0
			? await database.script(scope, sql, signal)
			: await database.run(scope, [{text: sql, values: parameters}], signal);
	const last = results.findLast(({fields}) => fields.length > 0);
	return json(201, last === undefined ? [] : toRows(last));
}

async function listMigrations(database: Database): Promise<unknown> {
	const [result] = await database.run(reader, [
		{text: 'select version, name from supabase_migrations.schema_migrations order by version'},
	]);
	return result?.rows ?? [];
}

async function addMigration(database: Database, {body, signal}: HubRequest): Promise<HubResponse> {
	const {query: sql, name = ''} = parseObject(body) ?? {};
	if (typeof sql !== 'string' || sql === '') return refusal(400, 'query: must be a string that is not empty');
	if (typeof name !== 'string') return refusal(400, 'name: must be a string');
	if (sql.includes('\0') || name.includes('\0')) return refusal(400, 'query: must not contain NUL');
	const version = await nextVersion(database);
	await applyMigration(database, {version, name, sql}, 'management', signal);
	return json(200, {version, name});
}

const nextVersionQuery = readSql(new URL('next-version.sql', import.meta.url));

/** The time as 14 digits; later if that version exists. */
async function nextVersion(database: Database): Promise<string> {
	const [result] = await database.run(reader, [{text: nextVersionQuery}]);
	return String(result?.rows[0]?.['version']);
}

const int8 = 20;
const json8 = new Set([114, 3802]);
/** The element type of each array type that can be converted to JSON. */
const arrays = new Map([
	[1000, 16],
	[1003, 19],
	[1005, 21],
	[1007, 23],
	[1009, 25],
	[1015, 1043],
	[1016, int8],
	[1021, 700],
	[1022, 701],
	[1185, 1184],
	[199, 114],
	[2951, 2950],
	[3807, 3802],
]);
const numbers = new Set([21, 23, 700, 701]);

/** The rows as Supabase returns them: bigints as numbers if exact, JSON and arrays as JSON, everything else as text. */
function toRows({rows, fields}: Result): unknown[] {
	const special = fields.filter(({dataTypeID: type}) => type === int8 || json8.has(type) || arrays.has(type));
	if (special.length === 0) return [...rows];
	return rows.map(row => ({
		...row,
		...Object.fromEntries(special.map(({name, dataTypeID}) => [name, toValue(row[name], dataTypeID)])),
	}));
}

function toValue(value: unknown, type: number): unknown {
	if (typeof value !== 'string') return value;
	const element = arrays.get(type);
	if (element !== undefined) return toElements(parseArray(value), element);
	if (json8.has(type)) return JSON.parse(value);
	if (type === int8) return Number.isSafeInteger(Number(value)) ? Number(value) : value;
	if (numbers.has(type)) return Number(value);
	return type === 16 ? value === 't' : value;
}

function toElements(elements: readonly unknown[], type: number): unknown[] {
	return elements.map(element => (Array.isArray(element) ? toElements(element, type) : toValue(element, type)));
}

function parseObject(body: Buffer): {readonly [key: string]: unknown} | null {
	try {
		const value: unknown = JSON.parse(body.toString('utf8'));
		return typeof value === 'object' && value !== null ? {...value} : null;
	} catch {
		return null;
	}
}

function report({code, message, details, hint}: DatabaseError): string {
	return [
		`ERROR:  ${code}: ${message}`,
		...(details === null ? [] : [`DETAIL:  ${details}`]),
		...(hint === null ? [] : [`HINT:  ${hint}`]),
	].join('\n');
}
