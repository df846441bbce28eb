import type {ShortSchema} from './schema.ts';

/**
 * The arguments as their tool means them. Clients send null for what they omit, "12" for 12, "true" for true, and for a list one
 * value, a JSON text or values with commas or `and` between them. What is something else is left as it is, for the schema to refuse.
 */
export function coerceArguments(schema: ShortSchema, sent: unknown): unknown {
	return coerce(schema, sent ?? {});
}

function coerce(schema: ShortSchema, value: unknown): unknown {
	switch (schema.type) {
		case 'integer':
		case 'number':
			return toNumber(value);
		case 'boolean':
			return toBoolean(value);
		case 'array':
			return toList(value, schema.items ?? {}).map(item => coerce(schema.items ?? {}, item));
		case 'object':
			return toObject(schema, value);
		case 'string':
			return typeof value === 'number' ? String(value) : value;
		case undefined:
		default:
			return value;
	}
}

function toNumber(value: unknown): unknown {
	if (typeof value !== 'string' || !/^\s*#?-?\d+(?:\.\d+)?\s*$/.test(value)) return value;
	return Number(value.replace('#', ''));
}

function toBoolean(value: unknown): unknown {
	if (typeof value !== 'string') return value;
	const word = value.trim().toLowerCase();
	return word === 'true' ? true : word === 'false' ? false : value;
}

/** What is between two values: `A, B`, `A and B`, `A, B & C`. As a tag, the word would be an agent that nobody is. */
const between = /(?:[\s,;&]|(?<=[\s,;&])and(?=[\s,;&]))+/i;

function toList(value: unknown, items: ShortSchema): unknown[] {
	if (Array.isArray(value)) return value.filter(item => !isNothing(item));
	if (typeof value !== 'string') return [value];
	const parsed = fromJson(value);
	if (Array.isArray(parsed)) return toList(parsed, items);
	if (typeof parsed === 'object' && parsed !== null) return [parsed];
	if (items.type === 'object') return [value];
	// No item of any other list contains a comma or a space: they are tags, ids and statuses. Some models write `[A, 'B']`.
	const list = (typeof parsed === 'string' ? parsed : value).replace(/^\s*\[(.*)\]\s*$/s, '$1');
	return list.split(between).flatMap(item => item.replace(/^(['"`])(.*)\1$/, '$2') || []);
}

function toObject({properties, required = []}: ShortSchema, value: unknown): unknown {
	const given = typeof value === 'string' ? (fromJson(value) ?? value) : value;
	if (properties === undefined || typeof given !== 'object' || given === null || Array.isArray(given)) return given;
	const isOmitted = ([name, each]: [string, unknown]): boolean =>
		each === null || each === undefined || (isNothing(each) && !isText(properties[name], required.includes(name)));
	const entries = Object.entries(given).filter(entry => !isOmitted(entry));
	return Object.fromEntries(
		entries.map(([name, each]) => {
			const schema = properties[name];
			return [name, schema === undefined ? each : coerce(schema, each)];
		}),
	);
}

/** Whether an argument has to be a text, so that any word can be meant. One of a name that is not known is kept, for the error. */
function isText(schema: ShortSchema | undefined, isRequired: boolean): boolean {
	return schema === undefined || (isRequired && schema.type === 'string');
}

/** In the place of anything that may be omitted, an empty text or a word for nothing is nothing, too. */
function isNothing(value: unknown): boolean {
	if (value === null || value === undefined) return true;
	return typeof value === 'string' && /^(?:null|none|undefined)?$/i.test(value.trim());
}

function fromJson(text: string): unknown {
	try {
		return JSON.parse(text) as unknown;
	} catch {
		return undefined;
	}
}
