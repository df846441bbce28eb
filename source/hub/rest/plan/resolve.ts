import {type Catalog, type Computed} from '../catalog/catalog.ts';
import {notEmbedded, orderNotToOne, undefinedColumn, undefinedType} from '../errors/error.ts';
import {type Field} from '../query/field.ts';
import {type Condition} from '../query/filter.ts';
import {type OrderTerm} from '../query/order.ts';
import {type AtPath, type Limits, limitsAt, type Query} from '../query/query.ts';
import {
	type Embed,
	type Output,
	type PlannedCondition,
	type PlannedOrder,
	type ReadPlan,
	type Source,
	type Term,
} from './read-plan.ts';
import {findRelationship, isToOne} from '../catalog/relationship.ts';
import {type SelectItem, type SelectRelation} from '../query/select.ts';
import {catalogName, generatedName} from '../catalog/sql.ts';

export interface ReadSettings {
	readonly limits: Limits;
	/** The maximum number of rows at each level of the response. */
	readonly maxRows: number;
	/** False for writes, where the conditions of the root select the rows to write, not those to return. */
	readonly rootConditions: boolean;
}

/** Resolves all names of a read. Throws PGRST108, 118, 200 and 201, and errors for undefined columns and types. */
export function resolveRead(catalog: Catalog, query: Query, source: Source, settings: ReadSettings): ReadPlan {
	const resolver = new Resolver(catalog, settings.maxRows);
	const root = {
		select: query.select,
		conditions: settings.rootConditions ? query.conditions : query.conditions.filter(({path}) => path.length > 0),
		orders: query.orders,
		limits: query.limits,
	};
	return resolver.level(root, source, settings.limits);
}

/** Resolves a condition on a single table, for a write. */
export function resolveCondition(condition: Condition, source: Source): PlannedCondition {
	return planCondition(condition, source, []);
}

/** The part of a query for one level and the levels below it. */
interface Level extends Pick<Query, 'select' | 'conditions' | 'orders' | 'limits'> {}

class Resolver {
	readonly #catalog: Catalog;
	readonly #maxRows: number;
	#aliases = 0;

	constructor(catalog: Catalog, maxRows: number) {
		this.#catalog = catalog;
		this.#maxRows = maxRows;
	}

	level(level: Level, source: Source, limits: Limits): ReadPlan {
		const alias = generatedName('t', this.#aliases++);
		const orders = level.orders.filter(({path}) => path.length === 0).flatMap(({it}) => it);
		const relations = level.select.filter(item => item.kind === 'relation');
		for (const {path} of [...level.conditions, ...level.orders, ...level.limits]) {
			const [first] = path;
			if (first !== undefined && findEmbedded(relations, first) === undefined) throw notEmbedded(first);
		}
		const embeds = relations.map(relation => {
			const means = (name: string) => findEmbedded(relations, name) === relation;
			return this.#embed(relation, means, level, source, orders);
		});
		return {
			alias,
			source,
			embeds,
			outputs: this.#outputs(level.select, source),
			conditions: level.conditions
				.filter(({path}) => path.length === 0)
				.map(({it}) => planCondition(it, source, embeds)),
			orders: orders.map((order, index) => {
				const position = orders.slice(0, index).filter(({relation}) => relation === order.relation).length;
				return planOrder(order, position, source, embeds);
			}),
			limits: {...limits, limit: Math.min(limits.limit ?? Infinity, this.#maxRows)},
		};
	}

	/** `means`: whether a name in a path refers to this embedding. */
	#embed(
		item: SelectRelation,
		means: (name: string) => boolean,
		level: Level,
		source: Source,
		orders: readonly OrderTerm[],
	): Embed {
		const {name, hint, inner, spread, items} = item;
		const key = item.alias ?? name;
		const relationship = findRelationship(
			this.#catalog,
			{name: source.label, table: source.table},
			{target: name, hint},
		);
		const table = relationship.to;
		const below = {
			select: items,
			conditions: stepInto(level.conditions, means),
			orders: stepInto(level.orders, means),
			limits: stepInto(level.limits, means),
		};
		const inside: Source = {label: table.name, columns: table.columns, table, fromCte: false};
		const plan = this.level(below, inside, limitsAt({limits: below.limits}, []));
		const orderTerms = orders
			.filter(({relation}) => relation !== null && means(relation))
			.map(({field}) => termOf(field, inside));
		const number = this.#aliases++;
		return {
			key,
			alias: generatedName('e', number),
			junctionAlias: generatedName('j', number),
			relationship,
			plan,
			inner,
			spread,
			hidden: plan.outputs.length === 0 && plan.embeds.every(({hidden}) => hidden),
			orderTerms,
		};
	}

	#outputs(items: readonly SelectItem[], source: Source): Output[] {
		return items.flatMap((item): Output[] => {
			if (item.kind === 'relation') return [];
			if (item.kind === 'star') return [{kind: 'star'}];
			const {field, alias} = item;
			const keys = field.path.map(({key}) => key).filter(key => typeof key === 'string');
			const key = alias ?? keys.at(-1) ?? field.name;
			return [{kind: 'term', key, term: termOf(field, source), cast: this.#type(item.cast)}];
		});
	}

	#type(name: string | null) {
		if (name === null) return null;
		const type = this.#catalog.types.get(name.toLowerCase());
		if (type === undefined) throw undefinedType(name);
		return type;
	}
}

/** The first embedding that a name in a path refers to: by its alias or by its target, even if it has an alias. */
function findEmbedded(relations: readonly SelectRelation[], name: string): SelectRelation | undefined {
	return relations.find(each => each.name === name || each.alias === name);
}

function stepInto<T>(all: readonly AtPath<T>[], means: (name: string) => boolean): AtPath<T>[] {
	return all
		.filter(({path: [first]}) => first !== undefined && means(first))
		.map(({path, it}) => ({path: path.slice(1), it}));
}

function termOf({name, path}: Field, source: Source): Term {
	const column = source.columns.get(name);
	if (column !== undefined) return {kind: 'column', column, path};
	const routine = source.table?.computed.get(name);
	if (routine !== undefined) return {kind: 'computed', routine, path};
	// `books(count)`, as documented by supabase-js: for PostgreSQL, an unknown column of a row is a function of the row.
	if (name === countRows.name) return {kind: 'computed', routine: countRows, path};
	throw undefinedColumn(source.label, name);
}

const countRows: Computed = {schema: catalogName('pg_catalog'), name: catalogName('count'), base: 'bigint'};

function planCondition(condition: Condition, source: Source, embeds: readonly Embed[]): PlannedCondition {
	if (condition.kind !== 'filter') {
		return {...condition, nodes: condition.nodes.map(node => planCondition(node, source, embeds))};
	}
	const {field, negated, operation} = condition;
	const embed = field.path.length === 0 ? embeds.find(({key}) => key === field.name) : undefined;
	if (embed !== undefined && operation.kind === 'is' && operation.truth === 'null') {
		return {kind: 'embedded', exists: negated, embed};
	}
	return {kind: 'filter', negated, operation, term: termOf(field, source)};
}

function planOrder(
	{relation, field, direction, nulls}: OrderTerm,
	position: number,
	source: Source,
	embeds: readonly Embed[],
): PlannedOrder {
	if (relation === null) return {term: termOf(field, source), related: null, direction, nulls};
	const embed = embeds.find(({key}) => key === relation);
	if (embed === undefined) throw notEmbedded(relation);
	if (!isToOne(embed.relationship)) throw orderNotToOne(source.label, relation);
	return {term: termOf(field, embed.plan.source), related: {embed, position}, direction, nulls};
}
