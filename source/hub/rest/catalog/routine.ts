import {type Catalog, exposedSchemas, type Routine} from './catalog.ts';
import {RestError} from '../errors/error.ts';
import {minLikeness, nearest} from './nearest.ts';

export interface RoutineCall {
	readonly name: string;
	readonly keys: readonly string[];
	/** The body's type for POST; null for GET. */
	readonly contentType: string | null;
}

/** The overload with exactly these parameters. Throws PGRST202 and PGRST203. */
export function findRoutine(catalog: Catalog, called: RoutineCall): Routine {
	const overloads = catalog.routines.get(called.name) ?? [];
	const named = overloads.filter(routine => takes(routine, called));
	const found = named.length > 0 ? named : overloads.filter(routine => takesBody(routine, called.contentType));
	const [first, ...others] = found;
	if (first === undefined) throw notFound(catalog, called, overloads);
	if (others.length > 0) throw ambiguous(found);
	return first;
}

const rawTypes = new Set(['text/plain', 'text/xml', 'application/octet-stream']);

function takes({parameters}: Routine, {keys, contentType}: RoutineCall): boolean {
	if (contentType !== null && rawTypes.has(contentType)) return false;
	const names = new Set(parameters.map(({name}) => name as string));
	return keys.every(key => names.has(key)) && parameters.every(({required, name}) => !required || keys.includes(name));
}

/** A single unnamed parameter takes the whole body. */
function takesBody({parameters}: Routine, contentType: string | null): boolean {
	const [single, ...others] = parameters;
	if (single?.name !== '' || others.length > 0 || contentType === null) return false;
	const types: {readonly [type: string]: readonly string[]} = {
		'application/json': ['json', 'jsonb'],
		'text/plain': ['text'],
		'text/xml': ['xml'],
		'application/octet-stream': ['bytea'],
	};
	return types[contentType]?.includes(single.display) ?? false;
}

function notFound(catalog: Catalog, {name, keys, contentType}: RoutineCall, overloads: readonly Routine[]): RestError {
	const list = keys.join(', ');
	const raw = contentType !== null && rawTypes.has(contentType);
	const called = `${exposedSchemas[0]}.${name}`;
	const withKeys = keys.length === 0 ? ' without parameters' : ` with parameter${keys.length > 1 ? 's' : ''} ${list}`;
	const details =
		contentType === null
			? withKeys
			: contentType === 'application/json'
				? `${withKeys} or with a single unnamed json/jsonb parameter`
				: raw
					? ` with a single unnamed ${rawNames[contentType] ?? 'text'} parameter`
					: withKeys;
	return new RestError(
		404,
		'PGRST202',
		`Could not find the function ${called}${raw ? '' : keys.length === 0 ? ' without parameters' : `(${list})`} in the schema cache`,
		{
			details: `Searched for the function ${called}${details}, but no matches were found in the schema cache.`,
			hint: raw ? null : hintFor(catalog, name, keys, overloads),
		},
	);
}

const rawNames: {readonly [type: string]: string} = {
	'text/plain': 'text',
	'text/xml': 'xml',
	'application/octet-stream': 'bytea',
};

function hintFor(
	catalog: Catalog,
	name: string,
	keys: readonly string[],
	overloads: readonly Routine[],
): string | null {
	const [schema] = exposedSchemas;
	if (overloads.length === 0) {
		const near = nearest(name, catalog.routines.keys());
		return near === null ? null : `Perhaps you meant to call the function ${schema}.${near}`;
	}
	const listed = (names: readonly string[]) => `(${[...names].sort().join(', ')})`;
	const lists = overloads.map(({parameters}) => listed(parameters.map(parameter => parameter.name)));
	const near = nearest(listed(keys), lists, minLikeness);
	return near === null ? null : `Perhaps you meant to call the function ${schema}.${name}${near}`;
}

function ambiguous(found: readonly Routine[]): RestError {
	const list = found.map(
		({schema, name, parameters}) =>
			`${schema}.${name}(${parameters.map(parameter => `${parameter.name} => ${parameter.display}`).join(', ')})`,
	);
	return new RestError(300, 'PGRST203', `Could not choose the best candidate function between: ${list.join(', ')}`, {
		hint: 'Try renaming the parameters or the function itself in the database so function overloading can be resolved',
	});
}
