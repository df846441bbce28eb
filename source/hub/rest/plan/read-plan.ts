import {type Column, type Computed, type Relationship, type Table} from '../catalog/catalog.ts';
import {type JsonStep} from '../query/field.ts';
import {type Operation} from '../query/filter.ts';
import {type Limits} from '../query/query.ts';
import {type Name} from '../catalog/sql.ts';

// A request with all names resolved. Of the request's own text, only values and keys of the JSON remain.

/** The source of rows. */
export interface Source {
	/** The name for messages. */
	readonly label: string;
	readonly columns: ReadonlyMap<string, Column>;
	/** The table whose relationships and computed columns can be used. */
	readonly table: Table | null;
	/** Whether the rows come from the CTE of a write or a call, which also has their computed columns. */
	readonly fromCte: boolean;
}

export type Term =
	| {readonly kind: 'column'; readonly column: Column; readonly path: readonly JsonStep[]}
	| {readonly kind: 'computed'; readonly routine: Computed; readonly path: readonly JsonStep[]};

export type Output =
	| {readonly kind: 'star'}
	| {readonly kind: 'term'; readonly key: string; readonly term: Term; readonly cast: Name | null};

export type PlannedCondition =
	| {readonly kind: 'and' | 'or'; readonly negated: boolean; readonly nodes: readonly PlannedCondition[]}
	| {readonly kind: 'filter'; readonly negated: boolean; readonly term: Term; readonly operation: Operation}
	/** A test for embedded rows: `author=not.is.null`. */
	| {readonly kind: 'embedded'; readonly exists: boolean; readonly embed: Embed};

export interface PlannedOrder {
	readonly term: Term;
	/** For an order by a column of an embedded row: the embedding, and the index in its `orderTerms`. */
	readonly related: {readonly embed: Embed; readonly position: number} | null;
	readonly direction: 'asc' | 'desc' | null;
	readonly nulls: 'nullsfirst' | 'nullslast' | null;
}

export interface ReadPlan {
	readonly alias: Name;
	readonly source: Source;
	readonly outputs: readonly Output[];
	readonly conditions: readonly PlannedCondition[];
	readonly orders: readonly PlannedOrder[];
	readonly limits: Limits;
	readonly embeds: readonly Embed[];
}

export interface Embed {
	readonly key: string;
	readonly alias: Name;
	/** The alias of the junction, if there is one. */
	readonly junctionAlias: Name;
	readonly relationship: Relationship;
	readonly plan: ReadPlan;
	readonly inner: boolean;
	readonly spread: boolean;
	/** None of its columns are selected; it is only used in filters. */
	readonly hidden: boolean;
	/** Its columns by which the parent rows are ordered. */
	readonly orderTerms: readonly Term[];
}
