import type {ShortSchema} from './schema.ts';

/**
 * The arguments as their tool means them. Clients send null for what they omit, "12" for 12, "true" for true, and for a list one
 * value, a JSON text or values with commas between them. What is something else is left as it is, for the schema to refuse.
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
			return toList(value).map(item => coerce(schema.items ?? {}, item));
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

function toList(value: unknown): unknown[] {
	if (Array.isArray(value)) return value;
	if (typeof value !== 'string') return [value];
	const parsed = fromJson(value);
	if (Array.isArray(parsed)) return parsed;
	if (typeof parsed === 'object' && parsed !== null) return [parsed];
	// No item of any list contains a comma or a space: they are tags, ids and statuses.
	return (typeof parsed === 'string' ? parsed : value).split(/[\s,]+/).filter(item => item !== '');
}

function toObject({properties}: ShortSchema, value: unknown): unknown {
	const given = typeof value === 'string' ? (fromJson(value) ?? value) : value;
	if (properties === undefined || typeof given !== 'object' || given === null || Array.isArray(given)) return given;
	const entries = Object.entries(given).filter(([name, each]) => !isOmitted(each, properties[name]));
	return Object.fromEntries(
		entries.map(([name, each]) => {
			const schema = properties[name];
			return [name, schema === undefined ? each : coerce(schema, each)];
		}),
	);
}

/** In the place of a list, a number or a truth value, an empty text or a word for nothing is nothing, too. */
function isOmitted(value: unknown, schema: ShortSchema | undefined): boolean {
	if (value === null || value === undefined) return true;
	if (typeof value !== 'string' || schema === undefined || schema.type === 'string') return false;
	return /^(?:null|none|undefined)?$/i.test(value.trim());
}

function fromJson(text: string): unknown {
	try {
		return JSON.parse(text) as unknown;
	} catch {
		return undefined;
	}
}
