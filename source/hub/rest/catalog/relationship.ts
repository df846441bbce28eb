import {type Catalog, exposedSchemas, type Relationship, type Table} from './catalog.ts';
import {RestError} from '../errors/error.ts';
import {minLikeness, nearest} from './nearest.ts';

/**
 * The relationship that embeds `target` in rows of `from`. The target is a table, a foreign key or its column; the hint is a foreign
 * key, a column at either end, or the junction. Throws PGRST200 and PGRST201.
 */
export function findRelationship(
	catalog: Catalog,
	from: {readonly name: string; readonly table: Table | null},
	{target, hint}: {readonly target: string; readonly hint: string | null},
): Relationship {
	const candidates = catalog.relationships.filter(each => each.from === from.table && fits(each, target, hint));
	const [first, ...others] = candidates;
	if (first === undefined) throw noRelationship(catalog, from.name, target, hint);
	if (others.length > 0) throw ambiguous(from.name, target, candidates);
	return first;
}

export function isToOne({cardinality}: Relationship): boolean {
	return cardinality === 'many-to-one' || cardinality === 'one-to-one';
}

function fits(relationship: Relationship, target: string, hint: string | null): boolean {
	const {to, from, constraint, columns, junction, cardinality} = relationship;
	if (relationship.routine !== undefined) return target === relationship.routine.name;
	const [near, far] = (columns.length === 1 && junction === undefined ? columns[0] : undefined) ?? [];
	// A table that references itself is at both ends: its name means the to-many relationship, the column the to-one.
	if (from === to) {
		const many = target === to.name && cardinality === 'one-to-many';
		if (hint !== null) return many && hint === far;
		return many || (target === near && cardinality === 'many-to-one');
	}
	const key = junction === undefined ? constraint : null;
	if (hint !== null) {
		return target === to.name && [key, near, far, junction?.table.name].includes(hint);
	}
	return target === to.name || (!to.isView && (target === key || target === near));
}

function noRelationship(catalog: Catalog, from: string, target: string, hint: string | null): RestError {
	const using = hint === null ? '' : ` using the hint '${hint}'`;
	const instead = insteadOf(catalog, from, target);
	return new RestError(
		400,
		'PGRST200',
		`Could not find a relationship between '${from}' and '${target}' in the schema cache`,
		{
			details: `Searched for a foreign key relationship between '${from}' and '${target}'${using} in the schema '${exposedSchemas[0]}', but no matches were found.`,
			hint: instead === null ? null : `Perhaps you meant ${instead}.`,
		},
	);
}

/** A similar name for the hint: of a table related to `from` or, if there is none, of a table with relationships in place of `from`. */
function insteadOf({relationships}: Catalog, from: string, target: string): string | null {
	const related = relationships.filter(each => each.from.name === from).map(({to}) => to.name as string);
	if (related.length === 0) {
		const near = nearest(
			from,
			relationships.map(each => each.from.name as string),
			minLikeness,
		);
		return near === null ? null : `'${near}' instead of '${from}'`;
	}
	const near = related.includes(target) ? null : nearest(target, related, minLikeness);
	return near === null ? null : `'${near}' instead of '${target}'`;
}

function ambiguous(from: string, target: string, candidates: readonly Relationship[]): RestError {
	const hints = candidates.map(({to, constraint}) => `'${to.name}!${constraint}'`).join(', ');
	return new RestError(
		300,
		'PGRST201',
		`Could not embed because more than one relationship was found for '${from}' and '${target}'`,
		{
			details: candidates.map(each => ({
				cardinality: each.cardinality,
				embedding: `${each.from.name} with ${each.to.name}`,
				relationship: describe(each),
			})),
			hint: `Try changing '${target}' to one of the following: ${hints}. Find the desired relationship in the 'details' key.`,
		},
	);
}

function describe({from, to, constraint, columns, junction}: Relationship): string {
	const list = (names: readonly string[]) => `(${names.join(', ')})`;
	const near = columns.map(([column]) => column);
	const far = columns.map(([, column]) => column);
	if (junction === undefined) return `${constraint} using ${from.name}${list(near)} and ${to.name}${list(far)}`;
	const [first, second] = junction.constraints;
	return `${junction.table.name} using ${first}${list(far)} and ${second}${list(junction.columns.map(([column]) => column))}`;
}
