/** An error response, with PostgREST's codes and statuses (docs: references/errors). */
export class RestError extends Error {
	override readonly name = 'RestError';
	readonly status: number;
	/** `PGRSTgxx`, or a SQLSTATE. */
	readonly code: string;
	readonly details: unknown;
	readonly hint: string | null;
	readonly headers: {readonly [name: string]: string};

	constructor(
		status: number,
		code: string,
		message: string,
		{details = null, hint = null, headers = {}}: RestErrorFields = {},
	) {
		super(message);
		this.status = status;
		this.code = code;
		this.details = details;
		this.hint = hint;
		this.headers = headers;
	}
}

interface RestErrorFields {
	readonly details?: unknown;
	readonly hint?: string | null;
	readonly headers?: {readonly [name: string]: string};
}

export const badQuery = (message: string, details: string) => new RestError(400, 'PGRST100', message, {details});

export const badRpcMethod = (method: string) =>
	new RestError(405, 'PGRST101', `Cannot use the ${method} method on RPC`);

export const badBody = (message: string) => new RestError(400, 'PGRST102', message);

export const badRange = (details: string) =>
	new RestError(416, 'PGRST103', 'Requested range not satisfiable', {details});

export const badPutFilters = () =>
	new RestError(405, 'PGRST105', "Filters must include all and only primary key columns with 'eq' operators");

export const unknownSchema = (schema: string, exposed: readonly string[]) =>
	new RestError(406, 'PGRST106', `Invalid schema: ${schema}`, {
		hint: `Only the following schemas are exposed: ${exposed.join(', ')}`,
	});

export const notAcceptable = (types: readonly string[]) =>
	new RestError(406, 'PGRST107', `None of these media types are available: ${types.join(', ')}`);

export const notEmbedded = (name: string) =>
	new RestError(400, 'PGRST108', `'${name}' is not an embedded resource in this request`, {
		hint: `Verify that '${name}' is included in the 'select' query parameter.`,
	});

export const putWithLimit = () =>
	new RestError(400, 'PGRST114', 'limit/offset querystring parameters are not allowed for PUT');

export const putMismatch = () =>
	new RestError(400, 'PGRST115', 'Payload values do not match URL in primary key column(s)');

export const notSingular = (rows: string) =>
	new RestError(406, 'PGRST116', 'Cannot coerce the result to a single JSON object', {
		details: `The result contains ${rows} rows`,
	});

export const badMethod = (method: string) => new RestError(405, 'PGRST117', `Unsupported HTTP method: ${method}`);

export const orderNotToOne = (from: string, to: string) =>
	new RestError(400, 'PGRST118', `A related order on '${to}' is not possible`, {
		details: `'${from}' and '${to}' do not form a many-to-one or one-to-one relationship`,
	});

export const badPreferences = (preferences: readonly string[]) =>
	new RestError(400, 'PGRST122', 'Invalid preferences given with handling=strict', {
		details: `Invalid preferences: ${preferences.join(', ')}`,
	});

export const noAggregates = () => new RestError(400, 'PGRST123', 'Use of aggregate functions is not allowed');

export const tooManyAffected = (rows: string) =>
	new RestError(400, 'PGRST124', 'Query result exceeds max-affected preference constraint', {
		details: `The query affects ${rows} rows`,
	});

export const badPath = () => new RestError(404, 'PGRST125', 'Invalid path specified in request URL');

export const maxAffectedNeedsSet = () =>
	new RestError(
		400,
		'PGRST128',
		'Function must return SETOF or TABLE when max-affected preference is used with handling=strict',
	);

/** PostgreSQL's own error for an unknown column. */
export const undefinedColumn = (table: string, column: string) =>
	new RestError(400, '42703', `column ${table}.${column} does not exist`);

export const undefinedType = (type: string) => new RestError(400, '42704', `type "${type}" does not exist`);
