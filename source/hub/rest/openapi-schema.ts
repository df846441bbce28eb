import {type Catalog, type Column, type Parameter, type Routine, type Table} from './catalog/catalog.ts';

/** A part of the document; undefined members are omitted from the JSON. */
export type Json = {readonly [key: string]: unknown};

/** A table's rows as a JSON schema, with PostgREST's notes on keys, which clients read. */
export function tableDefinition(table: Table, catalog: Catalog): Json {
	const columns = [...table.columns.values()];
	const required = columns.filter(({nullable}) => !nullable).map(({name}) => name);
	return {
		...described(table.description),
		required: required.length === 0 ? undefined : required,
		type: 'object',
		properties: Object.fromEntries(columns.map(column => [column.name, property(column, table, catalog)])),
	};
}

/** A function's arguments as a JSON schema of an object. */
export function argumentsSchema({description, parameters}: Routine): Json {
	const required = parameters.filter(parameter => parameter.required).map(({name}) => name);
	return {
		...described(description),
		required: required.length === 0 ? undefined : required,
		type: 'object',
		properties: Object.fromEntries(parameters.map(({name, display}) => [name, typed(display)])),
	};
}

/** An argument in the query string, where arrays are written as text. */
export function queryArgument({name, display, required, variadic}: Parameter): Json {
	const type = swaggerType(display);
	if (!variadic)
		return {
			name,
			required,
			in: 'query',
			type: type === 'array' ? 'string' : (type ?? 'string'),
			format: format(display),
		};
	const items = typed(display.slice(0, -2));
	return {name, required, in: 'query', type: type ?? 'string', collectionFormat: 'multi', items};
}

/** A comment from the database: the first line is the summary, the rest the description. */
export function commented(comment: string | null): Json {
	const [summary, ...rest] = comment?.split('\n') ?? [];
	const description = rest.join('\n').replace(/^\n+/, '');
	return {summary, description: description === '' ? undefined : description};
}

export function described(description: string | null): Json {
	return {description: description ?? undefined};
}

function property(column: Column, table: Table, catalog: Catalog): Json {
	const notes = [
		...(table.primaryKey.includes(column.name) ? ['This is a Primary Key.<pk/>'] : []),
		...catalog.relationships
			.filter(
				each => each.from === table && each.owner && each.columns.length === 1 && each.columns[0]?.[0] === column.name,
			)
			.slice(0, 1)
			.map(({to, columns}) => {
				const far = columns[0]?.[1] ?? '';
				return `This is a Foreign Key to \`${to.name}.${far}\`.<fk table='${to.name}' column='${far}'/>`;
			}),
	];
	const comment = column.description === null ? [] : [column.description, ''];
	return {
		...typed(column.display),
		maxLength: column.maxLength ?? undefined,
		enum: column.labels.length === 0 ? undefined : column.labels,
		default: defaultOf(column),
		description: notes.length === 0 ? (column.description ?? undefined) : [...comment, 'Note:', ...notes].join('\n'),
	};
}

function typed(display: string): Json {
	const type = swaggerType(display);
	return {
		type,
		format: format(display),
		items: type === 'array' ? {type: swaggerType(display.slice(0, -2))} : undefined,
	};
}

const types: {readonly [display: string]: string | undefined} = {
	boolean: 'boolean',
	smallint: 'integer',
	integer: 'integer',
	bigint: 'integer',
	numeric: 'number',
	real: 'number',
	'double precision': 'number',
	// No type: any value.
	json: undefined,
	jsonb: undefined,
};

function swaggerType(display: string): string | undefined {
	if (Object.hasOwn(types, display)) return types[display];
	return display.endsWith('[]') ? 'array' : 'string';
}

function format(display: string): string {
	return {smallint: 'int32', integer: 'int32', bigint: 'int64'}[display] ?? display;
}

/** A constant default as its value. Otherwise its SQL for types that are strings in JSON, and undefined for all others. */
function defaultOf({default: expression, display}: Column): unknown {
	if (expression === null) return undefined;
	if (swaggerType(display) === 'string') return expression.replace(/^'([^']*)'::[^:]+$/, '$1');
	try {
		return JSON.parse(expression) as unknown;
	} catch {
		return undefined;
	}
}
