import {type Column, type Computed, type Relationship, type Table} from '../catalog/catalog.ts';
import {type JsonStep} from '../query/field.ts';
import {type Operation} from '../query/filter.ts';
import {type Limits} from '../query/query.ts';
import {type Name} from '../catalog/sql.ts';

// A request after every name in it was looked up. What remains of the request itself are values and keys of the JSON.

/** Where rows come from. */
export interface Source {
	/** As messages name it. */
	readonly label: string;
	readonly columns: ReadonlyMap<string, Column>;
	/** For its relationships and computed columns. */
	readonly table: Table | null;
	/** Rows of a write or a call: their computed columns were made with them. */
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
	/** Whether anything was embedded: `author=not.is.null`. */
	| {readonly kind: 'embedded'; readonly exists: boolean; readonly embed: Embed};

export interface PlannedOrder {
	readonly term: Term;
	/** The embedded row whose column orders, and which of its `orderTerms` this is. */
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
	/** Of the junction, where there is one. */
	readonly junctionAlias: Name;
	readonly relationship: Relationship;
	readonly plan: ReadPlan;
	readonly inner: boolean;
	readonly spread: boolean;
	/** Nothing of it was selected: it only filters. */
	readonly hidden: boolean;
	/** Columns of it that the rows above are ordered by. */
	readonly orderTerms: readonly Term[];
}
