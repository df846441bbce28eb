import {MailboxError, type ErrorCode} from '../../mailbox/error.ts';

/** The body of an error response from PostgREST, or from a gateway in front of it. */
interface ErrorBody {
	readonly code?: string | null;
	readonly message?: string | null;
	readonly details?: string | null;
	readonly hint?: string | null;
}

const checkAddress = 'Check SUPABASE_URL and that it is running; for the local hub see `agentmux hub status`.';
const checkKey = 'Check SUPABASE_SECRET_KEY, or `key` in config.toml.';
const migrate = 'Apply supabase/migrations to it with `supabase db push`.';

/** SQLSTATEs and PostgREST codes by their prefix; the first match counts. */
const codes: readonly (readonly [string, ErrorCode])[] = [
	['PGRST0', 'offline'],
	['PGRST106', 'schema'],
	['PGRST116', 'not_found'],
	['PGRST202', 'schema'],
	['PGRST203', 'schema'],
	['PGRST204', 'schema'],
	['PGRST205', 'schema'],
	['PGRST3', 'unauthorized'],
	['42501', 'forbidden'],
	['42P01', 'schema'],
	['42703', 'schema'],
	['42883', 'schema'],
	['P0002', 'not_found'],
	['23503', 'not_found'],
	['23505', 'conflict'],
	['23', 'invalid'],
	['22', 'invalid'],
	['54', 'invalid'],
	['55P03', 'offline'],
	['55', 'conflict'],
	['40', 'conflict'],
	['53', 'offline'],
	// A statement that ran into its time limit would do so again.
	['57014', 'invalid'],
	['57', 'offline'],
	['08', 'offline'],
	['PT429', 'offline'],
	['25006', 'forbidden'],
];

/** An error response of `url` as a MailboxError. `text` is its body. */
export function refusal(url: string, status: number, text: string): MailboxError {
	const body = errorBody(text);
	if (body === null) {
		if (status === 401 || status === 403) return unauthorized(url, status, null);
		if (status >= 500) {
			return new MailboxError('offline', `${url} failed with HTTP ${status}.`, 'Try again later.');
		}
		return strange(url, `HTTP ${status}`);
	}
	const code = typeof body.code === 'string' ? body.code : '';
	const said = sentence(body.message ?? `HTTP ${status}`);
	const hint = hintOf(body);
	// The hub's own: the token was ended, and its hint says more than "check the key".
	if (status === 401 && code === 'PGRST303' && hint !== '') return new MailboxError('unauthorized', said, hint);
	// Also a request without any identity: the database's grants refuse it, and PostgREST then responds with 401, not 403.
	if (status === 401) return unauthorized(url, status, said);
	const kind = codes.find(([prefix]) => code.startsWith(prefix))?.[1];
	const options = code === '' ? {} : {sqlstate: code};
	if (kind === 'schema') {
		return new MailboxError(
			'schema',
			`${url} does not have agentmux's tables, or has those of another version: ${said}`,
			migrate,
			options,
		);
	}
	if (kind !== undefined) return new MailboxError(kind, said, hint, options);
	if (status === 403) return new MailboxError('forbidden', said, hint, options);
	if (status === 404 && code === '') return strange(url, 'HTTP 404');
	if (status === 413) return new MailboxError('invalid', said, 'Shorten it.');
	if (status === 429 || status >= 500) return new MailboxError('offline', said, 'Try again later.');
	return new MailboxError('invalid', said, hint, options);
}

function hintOf({hint, message}: ErrorBody): string {
	if (typeof hint === 'string' && hint !== '') return sentence(hint);
	return message?.endsWith(' has not joined') === true ? '`agentmux agents` lists the agents.' : '';
}

/** A response that cannot come from a Supabase: a web page, for example. */
export function strange(url: string, how: string): MailboxError {
	return new MailboxError(
		'not_found',
		`${url} does not respond like a Supabase (${how}).`,
		'Check SUPABASE_URL: it looks like https://PROJECT.supabase.co.',
	);
}

/** A request that got no response, as a MailboxError whose cause is the error itself. */
export function unreachable(url: string, error: unknown, timeout: number): MailboxError {
	if (error instanceof MailboxError) return error;
	const {name, code, message} = rootOf(error);
	if (name === 'TimeoutError') {
		const late = `${url} did not answer within ${Math.round(timeout / 1000)} s.`;
		return new MailboxError('offline', late, checkAddress, {cause: error});
	}
	const why: Record<string, string> = {
		ECONNREFUSED: 'connection refused',
		ENOENT: 'nothing is listening there',
		EUNPROVEN: 'something other than the hub is listening there',
		ECONNRESET: 'the connection broke',
		UND_ERR_SOCKET: 'the connection broke',
		ENOTFOUND: 'no such host',
		EAI_AGAIN: 'the name cannot be resolved at the moment',
		EHOSTUNREACH: 'no route to the host',
		ENETUNREACH: 'there is no network',
		ETIMEDOUT: 'the connection timed out',
		UND_ERR_CONNECT_TIMEOUT: 'the connection timed out',
	};
	const reason = why[code] ?? (code === '' ? message : code);
	return new MailboxError('offline', `${url} cannot be reached: ${reason}.`, checkAddress, {cause: error});
}

/** Whether the request cannot have been executed, so that even one which must not happen twice can be sent again. */
export function neverArrived(error: MailboxError): boolean {
	return ['ECONNREFUSED', 'ENOENT', 'EUNPROVEN', 'ENOTFOUND', 'EAI_AGAIN'].includes(rootOf(error.cause).code);
}

function unauthorized(url: string, status: number, said: string | null): MailboxError {
	return new MailboxError('unauthorized', `${url} rejected the key: ${said ?? `HTTP ${status}.`}`, checkKey);
}

/** fetch says "fetch failed" and hides the reason in a chain of causes. */
function rootOf(error: unknown): {name: string; code: string; message: string} {
	if (!(error instanceof Error)) return {name: 'unknown', code: '', message: 'unknown reason'};
	// A host name with several addresses has one error for each.
	const beneath: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
	const deeper = rootOf(beneath);
	if (deeper.code !== '') return deeper;
	const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
	return deeper.name === 'unknown' ? {name: error.name, code, message: error.message} : {...deeper, code};
}

/** The error in the body of a response; null if the body is not a JSON object. */
export function errorBody(text: string): ErrorBody | null {
	try {
		const body: unknown = JSON.parse(text);
		return typeof body === 'object' && body !== null && !Array.isArray(body) ? body : null;
	} catch {
		return null;
	}
}

/** PostgreSQL's messages begin with a small letter, unless with a tag, and have no full stop. */
function sentence(text: string): string {
	const trimmed = text.trim();
	const first = ofTag.test(trimmed) ? trimmed.charAt(0) : trimmed.charAt(0).toUpperCase();
	return `${first}${trimmed.slice(1)}${/[.!?]$/.test(trimmed) ? '' : '.'}`;
}

/** What our functions say of an agent: `worker_2 has not joined`. */
const ofTag = /^\S+ (?:has not joined|has been revoked|has no role|is no agent|is revoked)\b/;
