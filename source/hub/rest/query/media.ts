import {notAcceptable} from '../errors/error.ts';

/** The format of the rows in the response. */
export interface Media {
	readonly shape: 'array' | 'object' | 'csv';
	/** Whether keys whose value is null are omitted. */
	readonly stripped: boolean;
	readonly contentType: string;
}

const json: Media = {shape: 'array', stripped: false, contentType: 'application/json; charset=utf-8'};
const csv: Media = {shape: 'csv', stripped: false, contentType: 'text/csv; charset=utf-8'};

/** The best of the accepted types that is supported. Throws PGRST107 if there is none. */
export function negotiate(accept: string | undefined): Media {
	const accepted = acceptedTypes(accept);
	for (const {type, parameters} of accepted) {
		const media = mediaOf(type, parameters.get('nulls') === 'stripped');
		if (media !== null) return media;
	}
	throw notAcceptable(accepted.map(({text}) => text));
}

/** Throws PGRST107 if an OpenAPI document is not accepted. */
export function requireOpenApi(accept: string | undefined): void {
	const accepted = acceptedTypes(accept);
	const supported = new Set(['application/openapi+json', 'application/json', '*/*']);
	if (!accepted.some(({type}) => supported.has(type))) throw notAcceptable(accepted.map(({text}) => text));
}

/** The media type of a body, without parameters; the default is JSON. */
export function bodyType(header: string | undefined): string {
	return header?.split(';')[0]?.trim().toLowerCase() || 'application/json';
}

function mediaOf(type: string, stripped: boolean): Media | null {
	const nulls = stripped ? ';nulls=stripped' : '';
	switch (type) {
		case '*/*':
		case 'application/json':
			return json;
		case 'text/csv':
			return csv;
		case 'application/vnd.pgrst.object':
		case 'application/vnd.pgrst.object+json':
			return {shape: 'object', stripped, contentType: `application/vnd.pgrst.object+json${nulls}; charset=utf-8`};
		case 'application/vnd.pgrst.array':
		case 'application/vnd.pgrst.array+json':
			if (!stripped) return json;
			return {shape: 'array', stripped, contentType: `application/vnd.pgrst.array+json${nulls}; charset=utf-8`};
		default:
			return null;
	}
}

interface AcceptedType {
	readonly text: string;
	readonly type: string;
	readonly parameters: ReadonlyMap<string, string>;
}

/** The type for the error message; PostgREST names a plan, which is not supported here, with all its parameters. */
function shownType(text: string, type: string, parameters: ReadonlyMap<string, string>): string {
	const [, format = 'text'] = /^application\/vnd\.pgrst\.plan(?:\+(text|json))?$/.exec(type) ?? [];
	if (!type.startsWith('application/vnd.pgrst.plan')) return text;
	const options = parameters.has('options') ? `; options=${parameters.get('options') ?? ''}` : '';
	return `application/vnd.pgrst.plan+${format}; for="${parameters.get('for') ?? 'application/json'}"${options}`;
}

/** RFC 9110, 12.5.1: sorted by quality; equal ones stay in the given order. */
function acceptedTypes(header: string | undefined): AcceptedType[] {
	const types = (header ?? '*/*').split(',').map(text => {
		const [type = '', ...rest] = text.split(';').map(part => part.trim());
		const parameters = new Map(
			rest.map(part => {
				const [name = '', parameter = ''] = part.split('=').map(each => each.trim());
				return [name.toLowerCase(), parameter.replaceAll('"', '')] as const;
			}),
		);
		return {text: shownType(text.trim(), type.toLowerCase(), parameters), type: type.toLowerCase(), parameters};
	});
	const quality = ({parameters}: AcceptedType) => Number(parameters.get('q') ?? 1) || 0;
	return types.filter(type => type.type !== '').sort((a, b) => quality(b) - quality(a));
}
