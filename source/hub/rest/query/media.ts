import {notAcceptable} from '../errors/error.ts';

/** In which form the rows go out. */
export interface Media {
	readonly shape: 'array' | 'object' | 'csv';
	/** Keys whose value is null are left out. */
	readonly stripped: boolean;
	readonly contentType: string;
}

const json: Media = {shape: 'array', stripped: false, contentType: 'application/json; charset=utf-8'};
const csv: Media = {shape: 'csv', stripped: false, contentType: 'text/csv; charset=utf-8'};

/** The first of the accepted types, best first, that can be made. Throws PGRST107. */
export function negotiate(accept: string | undefined): Media {
	const accepted = acceptedTypes(accept);
	for (const {type, parameters} of accepted) {
		const media = mediaOf(type, parameters.get('nulls') === 'stripped');
		if (media !== null) return media;
	}
	throw notAcceptable(accepted.map(({text}) => text));
}

/** For the OpenAPI root, which is one document. Throws PGRST107. */
export function requireOpenApi(accept: string | undefined): void {
	const accepted = acceptedTypes(accept);
	const made = new Set(['application/openapi+json', 'application/json', '*/*']);
	if (!accepted.some(({type}) => made.has(type))) throw notAcceptable(accepted.map(({text}) => text));
}

/** The type of a body, without its parameters; JSON when it is not said. */
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

/** As a refusal names it: a plan, which is never made here, with its format and what it is for. */
function shownType(text: string, type: string, parameters: ReadonlyMap<string, string>): string {
	const [, format = 'text'] = /^application\/vnd\.pgrst\.plan(?:\+(text|json))?$/.exec(type) ?? [];
	if (!type.startsWith('application/vnd.pgrst.plan')) return text;
	const options = parameters.has('options') ? `; options=${parameters.get('options') ?? ''}` : '';
	return `application/vnd.pgrst.plan+${format}; for="${parameters.get('for') ?? 'application/json'}"${options}`;
}

/** RFC 9110, 12.5.1: by quality, and in the given order where that is the same. */
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
