import {type Catalog, type Relationship, type Table} from './catalog.ts';
import {RestFault} from './fault.ts';
import {nearest} from './nearest.ts';

/**
 * The relationship that embeds `target` in rows of `from`: the target is a table, a foreign key, or the column that
 * holds one; the hint a foreign key, a column at either end, or the junction. Throws PGRST200 and PGRST201.
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
	const {to, from, constraint, columns, junction, owner} = relationship;
	if (relationship.routine !== undefined) return hint === null && target === relationship.routine.name;
	const single = columns.length === 1 ? columns[0] : undefined;
	if (hint !== null) {
		if (target !== to.name) return false;
		if (junction !== undefined) return hint === junction.table.name;
		// A table that refers to itself is seen from both ends: the column says from which.
		const column =
			from === to && !owner ? hint === single?.[1] : hint === single?.[0] || (from !== to && hint === single?.[1]);
		return hint === constraint || column;
	}
	if (from === to) return target === to.name ? !owner : owner && (target === constraint || target === single?.[0]);
	if (target === to.name) return true;
	return junction === undefined && (target === constraint || (owner && target === single?.[0]));
}

function noRelationship(catalog: Catalog, from: string, target: string, hint: string | null): RestFault {
	const using = hint === null ? '' : ` using the hint '${hint}'`;
	const near = catalog.tables.has(target) ? null : nearest(target, catalog.tables.keys());
	return new RestFault(
		400,
		'PGRST200',
		`Could not find a relationship between '${from}' and '${target}' in the schema cache`,
		{
			details: `Searched for a foreign key relationship between '${from}' and '${target}'${using} in the schema 'public', but no matches were found.`,
			hint: near === null ? null : `Perhaps you meant '${near}' instead of '${target}'.`,
		},
	);
}

function ambiguous(from: string, target: string, candidates: readonly Relationship[]): RestFault {
	const hints = candidates.map(({to, constraint}) => `'${to.name}!${constraint}'`).join(', ');
	return new RestFault(
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
