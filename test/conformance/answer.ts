import {isDeepStrictEqual} from 'node:util';
import {request as send} from 'node:http';
import {callerHeaders} from './caller.ts';
import {type Case} from './cases/case.ts';

export interface Answer {
	readonly status: number;
	readonly headers: {readonly [name: string]: string};
	/** Parsed where it is JSON. */
	readonly body: unknown;
}

export interface Difference {
	/** `status`, `body` or the name of a header. */
	readonly field: string;
	readonly ours: string;
	readonly theirs: string;
}

const compared = [
	'content-range',
	'content-type',
	'content-location',
	'location',
	'preference-applied',
	'x-kind',
	'x-powered-by',
];

export async function ask(url: string, each: Case): Promise<Answer> {
	const [line, {as = 'service_role', ...given}, body] = typeof each === 'string' ? ([each, {}] as const) : each;
	const [method = '', ...rest] = line.split(' ');
	const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
	const headers = {
		...(body === undefined ? {} : {'content-type': 'application/json'}),
		'content-length': String(Buffer.byteLength(text)),
		...given,
		...callerHeaders(as),
	};
	return new Promise((resolve, reject) => {
		const path = `/rest/v1${encodeURI(rest.join(' ')).replaceAll('%25', '%')}`;
		const request = send(`${url}${path}`, {method, headers}, response => {
			const chunks: Buffer[] = [];
			response.on('data', (chunk: Buffer) => chunks.push(chunk));
			response.on('error', reject);
			response.on('end', () => {
				resolve({
					status: response.statusCode ?? 0,
					headers: Object.fromEntries(
						compared.flatMap(name => [[name, String(response.headers[name] ?? '')] as const]),
					),
					// The OpenAPI document names the host that was asked.
					body: parsed(Buffer.concat(chunks).toString('utf8').replaceAll(new URL(url).host, 'hub.test')),
				});
			});
		});
		request.on('error', reject);
		request.end(text);
	});
}

/** Where two answers to the same request differ. */
export function differences(ours: Answer, theirs: Answer): Difference[] {
	const show = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, 600);
	const pairs: readonly (readonly [string, unknown, unknown])[] = [
		['status', ours.status, theirs.status],
		['body', ours.body, theirs.body],
		...compared.map(name => [name, ours.headers[name], theirs.headers[name]] as const),
	];
	return pairs.flatMap(([field, a, b]) => (isDeepStrictEqual(a, b) ? [] : [{field, ours: show(a), theirs: show(b)}]));
}

function parsed(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}
