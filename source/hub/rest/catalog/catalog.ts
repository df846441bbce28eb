import {type Name} from './sql.ts';

/** The schemas that requests may use, the default first. */
export const exposedSchemas: readonly string[] = ['public'];

export interface Qualified {
	readonly schema: Name;
	readonly name: Name;
}

/** A computed column: a function whose only argument is the row. */
export interface Computed extends Qualified {
	/** The display name of its return type; of the base type for a domain. */
	readonly base: string;
}

export interface Column {
	readonly name: Name;
	/** The type without its length, in SQL. */
	readonly type: Name;
	/** The type's display name: `timestamp with time zone`. */
	readonly display: string;
	/** The display name of the type that a domain is based on; otherwise the same. */
	readonly base: string;
	readonly nullable: boolean;
	/** The default in SQL, also of an identity column. */
	readonly default: Name | null;
	readonly maxLength: number | null;
	/** The values of an enum; empty for other types. */
	readonly labels: readonly string[];
	readonly description: string | null;
}

export interface Table extends Qualified {
	readonly isView: boolean;
	readonly insertable: boolean;
	readonly updatable: boolean;
	readonly deletable: boolean;
	readonly description: string | null;
	readonly primaryKey: readonly Name[];
	readonly columns: ReadonlyMap<string, Column>;
	/** The computed columns, which can be selected like columns. */
	readonly computed: ReadonlyMap<string, Computed>;
}

/** A foreign key seen from one of its ends, directly or through views; two of them through a junction; or a function from a row to rows. */
export interface Relationship {
	readonly from: Table;
	readonly to: Table;
	readonly cardinality: 'many-to-one' | 'one-to-many' | 'one-to-one' | 'many-to-many';
	readonly constraint: string;
	/** The function that is called with the row of `from`. */
	readonly routine?: Qualified;
	/** Pairs of columns that must be equal: of `from` and of `to`, or of the junction instead of `to` if there is one. */
	readonly columns: readonly (readonly [from: Name, to: Name])[];
	/** Whether `from` has the foreign key. */
	readonly owner: boolean;
	readonly junction?: {
		readonly table: Qualified;
		readonly constraints: readonly [near: string, far: string];
		/** Pairs of columns of the junction and of `to` that must be equal. */
		readonly columns: readonly (readonly [junction: Name, to: Name])[];
	};
}

export interface Parameter {
	/** Empty for the single unnamed parameter. */
	readonly name: Name;
	readonly type: Name;
	readonly display: string;
	readonly required: boolean;
	readonly variadic: boolean;
}

export interface Routine extends Qualified {
	readonly description: string | null;
	readonly parameters: readonly Parameter[];
	readonly volatility: 'immutable' | 'stable' | 'volatile';
	readonly set: boolean;
	/** `record`: a row whose columns are only known from the call. */
	readonly returns: 'void' | 'scalar' | 'record' | 'row';
	/** The exposed table whose rows it returns; its relationships and computed columns can be used. */
	readonly table: Table | null;
	/** The columns of the returned rows; empty if unknown. */
	readonly columns: ReadonlyMap<string, Column>;
}

/** The tables, functions and relationships of the exposed schema at one point in time. */
export interface Catalog {
	readonly tables: ReadonlyMap<string, Table>;
	readonly relationships: readonly Relationship[];
	/** By name, with all overloads. */
	readonly routines: ReadonlyMap<string, readonly Routine[]>;
	/** The SQL of each type, by the names that a cast may use, in lower case. */
	readonly types: ReadonlyMap<string, Name>;
	readonly description: string | null;
	/** Changes whenever the catalog changes. */
	readonly fingerprint: string;
}
