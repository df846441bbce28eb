import {type Name} from './sql.ts';
import {type ViewDocument, viewOrigins} from './view-origins.ts';

export interface RelationDocument {
	readonly oid: number;
	readonly numbers: readonly (readonly [number: number, name: Name])[] | null;
}

/** An exposed table or view in which columns of a table can be seen: the table itself, or a view over it. */
export interface Exposure {
	readonly relation: number;
	/** By the table's column: the names under which it is seen, several where a view shows it twice. */
	readonly names: ReadonlyMap<number, readonly Name[]>;
}

/** By table, in any schema, where its columns are exposed. */
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

/** Each way in which all these columns of a table can be named; none when one of them is not seen. */
export function visibleNames({names}: Exposure, columns: readonly number[]): Name[][] {
	return columns.reduce<Name[][]>(
		(ways, column) => ways.flatMap(way => (names.get(column) ?? []).map(name => [...way, name])),
		[[]],
	);
}
