import {type Name} from './sql.ts';
import {type ViewDocument, viewOrigins} from './view-origins.ts';

export interface RelationDocument {
	readonly oid: number;
	readonly numbers: readonly (readonly [number: number, name: Name])[] | null;
}

/** An exposed relation that shows columns of a table: the table itself, or a view over it. */
export interface Exposure {
	readonly relation: number;
	/** The names of each of the table's columns in the relation; several if a view shows a column twice. */
	readonly names: ReadonlyMap<number, readonly Name[]>;
}

/** For each table in any schema, the relations that expose its columns. */
export function exposuresOf(
	relations: readonly RelationDocument[],
	views: readonly ViewDocument[],
): ReadonlyMap<number, readonly Exposure[]> {
	const origins = viewOrigins(views);
	const exposures = new Map<number, Exposure[]>();
	for (const {oid, numbers} of relations) {
		const seen = new Map<number, Map<number, Name[]>>();
		for (const [number, name] of numbers ?? []) {
			const ofView = origins.get(oid);
			const origin = ofView === undefined ? {relation: oid, column: number} : ofView.get(number);
			if (origin === undefined) continue;
			const names = seen.get(origin.relation) ?? new Map<number, Name[]>();
			seen.set(origin.relation, names.set(origin.column, [...(names.get(origin.column) ?? []), name]));
		}
		for (const [table, names] of seen) exposures.set(table, [...(exposures.get(table) ?? []), {relation: oid, names}]);
	}
	return exposures;
}

/** All combinations of names for these columns of a table; none if one of the columns is not visible. */
export function visibleNames({names}: Exposure, columns: readonly number[]): Name[][] {
	return columns.reduce<Name[][]>(
		(combinations, column) => combinations.flatMap(each => (names.get(column) ?? []).map(name => [...each, name])),
		[[]],
	);
}
