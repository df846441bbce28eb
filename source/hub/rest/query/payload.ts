import {badBody} from '../errors/error.ts';

/** A request's body, as a single parameter for the database. */
export interface Payload {
	/** JSON, or the raw text for a function's single unnamed parameter. */
	readonly text: string;
	readonly isObject: boolean;
	/** The keys of its objects, or those given by `columns=`. */
	readonly keys: readonly string[];
}

/** Parses the body of an insert, an update or a call. Throws PGRST102. */
export function parsePayload(
	body: Buffer,
	contentType: string,
	{columns, call}: {readonly columns: readonly string[] | null; readonly call: boolean},
): Payload {
	const text = body.toString('utf8');
	switch (contentType) {
		case 'application/json':
			if (columns !== null) return {text, isObject: /^\s*\{/.test(text), keys: [...new Set(columns)]};
			return payloadOf(call && text === '' ? {} : parseJson(text), call && text === '' ? '{}' : text);
		case 'text/csv': {
			const rows = parseCsv(text);
			return payloadOf(rows, JSON.stringify(rows));
		}
		case 'application/x-www-form-urlencoded': {
			const form = Object.fromEntries(new URLSearchParams(text));
			return payloadOf(form, JSON.stringify(form));
		}
		case 'text/plain':
		case 'text/xml':
		case 'application/octet-stream':
			if (call)
				return {text: contentType.endsWith('stream') ? `\\x${body.toString('hex')}` : text, isObject: false, keys: []};
	}
	throw badBody(`Content-Type not acceptable: ${contentType}`);
}

function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		throw badBody('Empty or invalid json');
	}
}

function payloadOf(json: unknown, text: string): Payload {
	if (isObject(json)) return {text, isObject: true, keys: Object.keys(json)};
	// PostgREST treats everything else as an empty array.
	if (!Array.isArray(json) || json.length === 0) return {text: '[]', isObject: false, keys: []};
	const first: unknown = json[0];
	if (!isObject(first)) throw badBody('All object keys must match');
	const keys = Object.keys(first);
	const known = new Set(keys);
	for (const each of json as readonly unknown[]) {
		if (!isObject(each)) throw badBody('All object keys must match');
		const own = Object.keys(each);
		if (own.length !== keys.length || !own.every(key => known.has(key))) throw badBody('All object keys must match');
	}
	return {text, isObject: false, keys};
}

function isObject(json: unknown): json is {readonly [key: string]: unknown} {
	return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** RFC 4180 with a header line; the unquoted word NULL is null. */
function parseCsv(text: string): {[column: string]: string | null}[] {
	const [header, ...lines] = csvLines(text);
	if (header === undefined) throw badBody('not enough input');
	return lines.map(line => {
		if (line.length !== header.length) throw badBody('All lines must have same number of fields');
		return Object.fromEntries(
			header.map((column, index) => [column, line[index] === 'NULL' ? null : (line[index] ?? null)]),
		);
	});
}

function csvLines(text: string): string[][] {
	const lines: string[][] = [];
	let line: string[] = [];
	const fields = /(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r?\n|$)/y;
	while (fields.lastIndex < text.length) {
		const match = fields.exec(text);
		if (match === null) throw badBody('parse error (Failed reading: satisfy)');
		line.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
		if (match[3] === ',' && fields.lastIndex < text.length) continue;
		if (match[3] === ',') line.push('');
		lines.push(line);
		line = [];
	}
	return lines;
}
