import {type Qualified, type Relationship, type Table} from './catalog.ts';
import {type Exposure, visibleNames} from './exposure.ts';
import {type Name} from './sql.ts';

/** The part of the catalog document about relationships between tables. */
export interface RelationshipDocument {
	readonly keys: readonly KeyDocument[];
	readonly routines: readonly (Qualified & {
		readonly set: boolean;
		/** The number of rows that it declares (ROWS). */
		readonly rows: number;
		/** The table whose rows it returns. */
		readonly rowOf: string | null;
		readonly parameters: readonly {readonly rowOf: string | null}[] | null;
	})[];
}

/** A primary or foreign key of any table, exposed or not. */
export interface KeyDocument {
	readonly constraint: string;
	readonly kind: 'p' | 'f';
	readonly from: number;
	readonly to: number;
	/** Column numbers of `from` and of `to`. */
	readonly columns: readonly (readonly [near: number, far: number])[];
	readonly unique: boolean;
}

/** The exposed tables and views, by oid. */
export interface ExposedRelations {
	readonly tables: ReadonlyMap<number, Table>;
	readonly exposures: ReadonlyMap<number, readonly Exposure[]>;
}

/** Foreign keys from both ends, junctions, and computed relationships, which take precedence over keys with the same name. */
export function relationshipsOf(document: RelationshipDocument, reach: ExposedRelations): Relationship[] {
	const functions = computedRelationships(document.routines, new Map([...reach.tables.values()].map(t => [t.name, t])));
	const keys = keyRelationships(document.keys, reach).filter(
		key => !functions.some(({from, routine}) => key.from === from && key.to.name === routine?.name),
	);
	return [...keys, ...functions];
}

/** The primary key under the column names of a table or view. A view over several tables has all their keys. */
export function primaryKeyOf(
	relation: number,
	keys: readonly KeyDocument[],
	exposures: ExposedRelations['exposures'],
): Name[] {
	return keys.flatMap(({kind, from, columns}) => {
		if (kind !== 'p') return [];
		const exposure = exposures.get(from)?.find(each => each.relation === relation);
		if (exposure === undefined) return [];
		const [way] = visibleNames(
			exposure,
			columns.map(([near]) => near),
		);
		return way ?? [];
	});
}

/** A function from a row to rows can be embedded like a key; ROWS 1 makes it to-one (PostgREST docs: computed relationships). */
function computedRelationships(
	routines: RelationshipDocument['routines'],
	tables: ReadonlyMap<string, Table>,
): Relationship[] {
	return routines.flatMap(({schema, name, set, rows, rowOf, parameters}): Relationship[] => {
		const [row, ...others] = parameters ?? [];
		const from = tables.get(row?.rowOf ?? '');
		const to = tables.get(rowOf ?? '');
		if (from === undefined || to === undefined || others.length > 0) return [];
		const cardinality = set && rows !== 1 ? 'one-to-many' : 'many-to-one';
		return [{from, to, cardinality, constraint: name, columns: [], owner: false, routine: {schema, name}}];
	});
}

function keyRelationships(keys: readonly KeyDocument[], reach: ExposedRelations): Relationship[] {
	const owned = keys.flatMap(key => (key.kind === 'f' ? ownedRelationships(key, reach) : []));
	const inverse = owned.map(({from, to, constraint, columns, cardinality}): Relationship => ({
		from: to,
		to: from,
		constraint,
		columns: columns.map(([near, far]) => [far, near] as const),
		owner: false,
		cardinality: cardinality === 'one-to-one' ? 'one-to-one' : 'one-to-many',
	}));
	const byTable = Map.groupBy(
		owned.filter(({cardinality}) => cardinality === 'many-to-one'),
		({from}) => from,
	);
	const through = [...byTable].flatMap(([junction, ends]) =>
		ends.flatMap(near => ends.flatMap(far => junctionRelationship(junction, near, far))),
	);
	return [...owned, ...inverse, ...through];
}

/** A foreign key, once for each pair of a relation that exposes its columns and one that exposes the referenced columns. */
function ownedRelationships(
	{constraint, from, to, columns, unique}: KeyDocument,
	{tables, exposures}: ExposedRelations,
): Relationship[] {
	const ends = (table: number, numbers: readonly number[]) =>
		(exposures.get(table) ?? []).flatMap(exposure => {
			const relation = tables.get(exposure.relation);
			return relation === undefined ? [] : visibleNames(exposure, numbers).map(names => ({relation, names}));
		});
	const nears = ends(
		from,
		columns.map(([near]) => near),
	);
	const fars = ends(
		to,
		columns.map(([, far]) => far),
	);
	return nears.flatMap(near =>
		fars.map((far): Relationship => ({
			from: near.relation,
			to: far.relation,
			constraint,
			columns: near.names.flatMap((name, index) => {
				const other = far.names[index];
				return other === undefined ? [] : [[name, other] as const];
			}),
			owner: true,
			cardinality: unique ? 'one-to-one' : 'many-to-one',
		})),
	);
}

/** Two foreign keys of one table make it a junction if their columns are part of its primary key. */
function junctionRelationship(junction: Table, near: Relationship, far: Relationship): Relationship[] {
	if (near.constraint === far.constraint) return [];
	const own = [...near.columns, ...far.columns].map(([column]) => column);
	if (!own.every(column => junction.primaryKey.includes(column))) return [];
	return [
		{
			from: near.to,
			to: far.to,
			constraint: junction.name,
			columns: near.columns.map(([column, to]) => [to, column] as const),
			owner: false,
			cardinality: 'many-to-many',
			junction: {table: junction, constraints: [near.constraint, far.constraint], columns: far.columns},
		},
	];
}
