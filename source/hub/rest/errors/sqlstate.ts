import {type DatabaseError} from '../../database/database.ts';
import {RestError} from './error.ts';

// The first match counts (PostgREST docs: references/errors, "HTTP Status Codes").
const statuses: readonly (readonly [prefix: string, status: number])[] = [
	['08', 503],
	['09', 500],
	['0L', 403],
	['0P', 403],
	['23503', 409],
	['23505', 409],
	['25006', 405],
	['25', 500],
	['28', 403],
	['2D', 500],
	['38', 500],
	['39', 500],
	['3B', 500],
	['40', 500],
	['53400', 500],
	['53', 503],
	// Too large, too deep or too complex. PostgREST responds with 500, but the request is at fault, not the server.
	['54', 400],
	// Lock timeout. PostgREST responds with 500, but a retry may succeed.
	['55P03', 503],
	['55', 500],
	['57P01', 503],
	['57', 500],
	['58', 500],
	['F0', 500],
	['HV', 500],
	['P0001', 400],
	['P0', 500],
	['XX', 500],
	['42883', 404],
	['42P01', 404],
	['42P17', 500],
];

/** The error response for an error from PostgreSQL. `known`: the caller's role is not `anon`. */
export function restErrorOf({code, message, details, hint}: DatabaseError, known: boolean): RestError {
	if (code === 'PGRST') return raisedResponse(message, details);
	const status = statusOf(code, message, known);
	return new RestError(status, code, message, {
		details,
		hint,
		headers: status === 401 ? {'WWW-Authenticate': 'Bearer'} : {},
	});
}

function statusOf(code: string, message: string, known: boolean): number {
	if (code === '42501') return known ? 403 : 401;
	if (code === '21000') return message.endsWith('requires a WHERE clause') ? 400 : 500;
	if (code === '22023') return /^role.*does not exist$/.test(message) ? 401 : 400;
	if (code.startsWith('PT')) {
		const status = Number(code.slice(2));
		return Number.isInteger(status) && status >= 200 && status <= 599 ? status : 500;
	}
	return statuses.find(([prefix]) => code.startsWith(prefix))?.[1] ?? 400;
}

/** `RAISE sqlstate 'PGRST'` has the whole response as JSON in MESSAGE and DETAIL. */
function raisedResponse(message: string, details: string | null): RestError {
	const body = objectOf(message);
	if (body === null || typeof body['code'] !== 'string' || typeof body['message'] !== 'string') {
		return unreadable(`Invalid JSON value for MESSAGE: '${message}'`, messageHint);
	}
	if (details === null) return unreadable('DETAIL is missing in the RAISE statement', detailHint);
	const response = objectOf(details);
	const status = response?.['status'];
	const headers = response?.['headers'];
	if (
		!Number.isInteger(status) ||
		Number(status) < 200 ||
		Number(status) > 599 ||
		typeof headers !== 'object' ||
		headers === null
	) {
		return unreadable(`Invalid JSON value for DETAIL: '${details}'`, detailHint);
	}
	return new RestError(Number(status), body['code'], body['message'], {
		details: body['details'] ?? null,
		hint: typeof body['hint'] === 'string' ? body['hint'] : null,
		headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, String(text)])),
	});
}

const messageHint =
	"MESSAGE must be a JSON object with obligatory keys: 'code', 'message' and optional keys: 'details', 'hint'.";
const detailHint =
	"DETAIL must be a JSON object with obligatory keys: 'status', 'headers' and optional key: 'status_text'.";

function unreadable(details: string, hint: string): RestError {
	return new RestError(500, 'PGRST121', `Could not parse JSON in the "RAISE SQLSTATE 'PGRST'" error`, {details, hint});
}

function objectOf(text: string): {readonly [key: string]: unknown} | null {
	try {
		const parsed: unknown = JSON.parse(text);
		return typeof parsed === 'object' && parsed !== null ? (parsed as {[key: string]: unknown}) : null;
	} catch {
		return null;
	}
}
