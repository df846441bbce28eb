import {type Name} from './sql.ts';

/** The names of the schemas that requests may reach, the default first. */
export const exposedSchemas: readonly string[] = ['public'];

export interface Qualified {
	readonly schema: Name;
	readonly name: Name;
}

/** A function of one argument, the row. */
export interface Computed extends Qualified {
	/** The type that it returns, beneath a domain, as people read it. */
	readonly base: string;
}

export interface Column {
	readonly name: Name;
	/** The type without its length, as SQL. */
	readonly type: Name;
	/** The type as people read it: `timestamp with time zone`. */
	readonly display: string;
	/** The type beneath a domain, as people read it; otherwise the same. */
	readonly base: string;
	readonly nullable: boolean;
	/** The default as SQL, that of an identity column too. */
	readonly default: Name | null;
	readonly maxLength: number | null;
	/** The values of an enum; none for other types. */
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
	/** Functions of one argument, the row: they can be selected as columns are. */
	readonly computed: ReadonlyMap<string, Computed>;
}

/** A foreign key seen from one of its ends, directly or through views; two of them through a junction; or a function of a row that returns rows. */
export interface Relationship {
	readonly from: Table;
	readonly to: Table;
	readonly cardinality: 'many-to-one' | 'one-to-many' | 'one-to-one' | 'many-to-many';
	readonly constraint: string;
	/** The function, called with the row of `from`. */
	readonly routine?: Qualified;
	/** Columns of `from` and of `to` that are equal; of the junction instead of `to` when there is one. */
	readonly columns: readonly (readonly [from: Name, to: Name])[];
	/** True at the end that holds the foreign key. */
	readonly owner: boolean;
	readonly junction?: {
		readonly table: Qualified;
		readonly constraints: readonly [near: string, far: string];
		/** Columns of the junction and of `to` that are equal. */
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
	/** `record`: a row whose columns only the call itself tells. */
	readonly returns: 'void' | 'scalar' | 'record' | 'row';
	/** The exposed table whose rows it returns, so that they can be embedded and computed upon. */
	readonly table: Table | null;
	/** Of the returned rows; empty when they are not known. */
	readonly columns: ReadonlyMap<string, Column>;
}

/** What the database offers, as it was when it was read. */
export interface Catalog {
	readonly tables: ReadonlyMap<string, Table>;
	readonly relationships: readonly Relationship[];
	/** By name; several under one name are overloads. */
	readonly routines: ReadonlyMap<string, readonly Routine[]>;
	/** SQL of each type by the names that a cast may use, in lower case. */
	readonly types: ReadonlyMap<string, Name>;
	readonly description: string | null;
	/** Changes with every change of the catalog. */
	readonly fingerprint: string;
}
