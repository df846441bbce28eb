import {type Qualified, type Relationship, type Table} from './catalog.ts';
import {type Name} from './sql.ts';

/** The part of the catalog's document that tells how tables hang together. */
export interface RelationshipDocument {
	readonly keys: readonly KeyDocument[];
	readonly routines: readonly (Qualified & {
		readonly set: boolean;
		/** How many rows it says it returns. */
		readonly rows: number;
		/** The table whose rows it returns. */
		readonly rowOf: string | null;
		readonly parameters: readonly {readonly rowOf: string | null}[] | null;
	})[];
}

interface KeyDocument {
	readonly constraint: string;
	readonly from: string;
	readonly to: string;
	readonly columns: readonly (readonly [Name, Name])[];
	readonly unique: boolean;
}

/** Foreign keys from both ends, junctions, and functions of a row, which come before a key of the same name. */
export function relationshipsOf(document: RelationshipDocument, tables: ReadonlyMap<string, Table>): Relationship[] {
	const functions = computedRelationships(document.routines, tables);
	const keys = keyRelationships(document.keys, tables).filter(
		key => !functions.some(({from, routine}) => key.from === from && key.to.name === routine?.name),
	);
	return [...keys, ...functions];
}

/** A function from one row to rows can be embedded as a key can; ROWS 1 makes it one row (PostgREST docs: computed relationships). */
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

function keyRelationships(keys: readonly KeyDocument[], tables: ReadonlyMap<string, Table>): Relationship[] {
	const owned = keys.flatMap(({constraint, columns, unique, ...names}): Relationship[] => {
		const from = tables.get(names.from);
		const to = tables.get(names.to);
		if (from === undefined || to === undefined) return [];
		return [{from, to, constraint, columns, owner: true, cardinality: unique ? 'one-to-one' : 'many-to-one'}];
	});
	const inverse = owned.map(({from, to, constraint, columns, cardinality}): Relationship => ({
		from: to,
		to: from,
		constraint,
		columns: columns.map(([near, far]) => [far, near] as const),
		owner: false,
		cardinality: cardinality === 'one-to-one' ? 'one-to-one' : 'one-to-many',
	}));
	const through = owned.flatMap(near =>
		owned.flatMap((far): Relationship[] => {
			const isJunction =
				near.from === far.from &&
				near.constraint !== far.constraint &&
				near.cardinality === 'many-to-one' &&
				far.cardinality === 'many-to-one';
			const own = new Set([...near.columns, ...far.columns].map(([column]) => column));
			if (!isJunction || !near.from.primaryKey.every(key => own.has(key)) || near.from.primaryKey.length === 0)
				return [];
			return [
				{
					from: near.to,
					to: far.to,
					constraint: near.from.name,
					columns: near.columns.map(([junction, to]) => [to, junction] as const),
					owner: false,
					cardinality: 'many-to-many',
					junction: {table: near.from, constraints: [near.constraint, far.constraint], columns: far.columns},
				},
			];
		}),
	);
	return [...owned, ...inverse, ...through];
}
