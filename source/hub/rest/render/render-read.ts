import {type Embed, type Output, type PlannedOrder, type ReadPlan} from '../plan/read-plan.ts';
import {isToOne} from '../catalog/relationship.ts';
import {renderObject} from './render-object.ts';
import {renderCondition, renderTerm} from './render-condition.ts';
import {
	catalogText,
	comma,
	generatedName,
	identifier,
	join,
	type Name,
	nothing,
	qualified,
	sql,
	type Sql,
	value,
} from '../catalog/sql.ts';

/** A select, and an expression that turns its rows into JSON. */
export interface RenderedRead {
	readonly select: Sql;
	/** The JSON of a row of `select` under the alias `r`. */
	readonly element: Sql;
	/** The keys of that JSON; null for those of the columns. */
	readonly keys: readonly string[] | null;
}

export const row: Sql = sql`"r"`;

/** `spelled`: list all columns, which CSV needs. */
export function renderRead(plan: ReadPlan, from: Sql, spelled = false): RenderedRead {
	if (!spelled && isPlain(plan)) return {select: renderPlain(plan, from), element: sql`row_to_json("r")`, keys: null};
	const {select, keys} = renderColumns(plan, from, []);
	return {select, element: renderObject(keys), keys};
}

/** A select of the plan's rows without its limits, for counting: `select 1 from ...`. */
export function renderCount(plan: ReadPlan, from: Sql, joined: readonly Sql[] = []): Sql {
	const exists = (embed: Embed) => {
		const inner = embedSource(plan, embed);
		return sql`exists (${renderCount(embed.plan, inner.from, inner.joined)})`;
	};
	const conditions = [
		...joined,
		...plan.conditions.map(each =>
			renderCondition(each, plan, (embed, yes) => (yes ? exists(embed) : sql`not ${exists(embed)}`)),
		),
		...plan.embeds.filter(({inner}) => inner).map(exists),
	];
	return sql`select 1 from ${from} ${where(conditions)}`;
}

// Whether row_to_json gives the right result: all keys are the names of their columns.
function isPlain({outputs, embeds, source}: ReadPlan): boolean {
	// The CTE of a write also has the computed columns; a star would include them.
	const mixed = source.fromCte && outputs.some(each => each.kind === 'term' && each.term.kind === 'computed');
	return (
		!mixed &&
		outputs.every(
			output => output.kind === 'star' || (nameOf(output) === output.key && output.term.path.length === 0),
		) &&
		embeds.every(({spread, hidden, key, relationship}) => !spread && (hidden || key === relationship.to.name))
	);
}

function nameOf(output: Output & {kind: 'term'}): Name {
	return output.term.kind === 'column' ? output.term.column.name : output.term.routine.name;
}

function renderPlain(plan: ReadPlan, from: Sql): Sql {
	const alias = identifier(plan.alias);
	const columns = plan.outputs.map(output =>
		output.kind === 'star' ? sql`${alias}.*` : sql`${renderOutput(output, plan)} as ${identifier(nameOf(output))}`,
	);
	const embedded = plan.embeds.flatMap(embed =>
		embed.hidden ? [] : [sql`${renderEmbedded(embed)} as ${identifier(embed.relationship.to.name)}`],
	);
	const all = [...columns, ...embedded];
	return renderSelect(plan, all.length === 0 ? [sql`${alias}.*`] : all, from, []);
}

/** A select whose columns are named `c0`, `c1`, ..., and their keys. After them, `more`: the columns by which the parent rows are ordered. */
function renderColumns(
	plan: ReadPlan,
	from: Sql,
	joined: readonly Sql[],
	more: readonly Sql[] = [],
): {readonly select: Sql; readonly keys: readonly string[]} {
	const outputs: readonly Output[] = plan.outputs.length + plan.embeds.length === 0 ? [{kind: 'star'}] : plan.outputs;
	const columns: {key: string; expression: Sql}[] = outputs.flatMap(output => {
		if (output.kind === 'term') return [{key: output.key, expression: renderOutput(output, plan)}];
		return [...plan.source.columns.values()].map(column => ({
			key: column.name as string,
			expression: renderTerm({kind: 'column', column, path: []}, plan),
		}));
	});
	const embedded = plan.embeds.flatMap(embed => {
		if (embed.hidden) return [];
		if (!embed.spread) return [{key: embed.key, expression: renderEmbedded(embed)}];
		return spreadKeys(embed).map((key, index) => ({
			key,
			expression: sql`${identifier(embed.alias)}.${identifier(generatedName('c', index))}`,
		}));
	});
	const all = [...columns, ...embedded];
	const list = [...all.map(({expression}) => expression), ...more].map(
		(expression, index) => sql`${expression} as ${identifier(generatedName('c', index))}`,
	);
	return {select: renderSelect(plan, list, from, joined), keys: all.map(({key}) => key)};
}

function spreadKeys({plan}: Embed): readonly string[] {
	return renderColumns(plan, nothing, []).keys;
}

function renderOutput({term, cast}: Output & {kind: 'term'}, plan: ReadPlan): Sql {
	const expression = renderTerm(term, plan);
	return cast === null ? expression : sql`cast(${expression} as ${catalogText(cast)})`;
}

function renderSelect(plan: ReadPlan, columns: readonly Sql[], from: Sql, joined: readonly Sql[]): Sql {
	const conditions = [
		...joined,
		...plan.conditions.map(each =>
			renderCondition(each, plan, (embed, exists) => {
				const found = sql`${identifier(embed.alias)}."found"`;
				return exists ? sql`${found} is not null` : sql`${found} is null`;
			}),
		),
	];
	const lateral = plan.embeds.map(embed => renderJoin(plan, embed));
	const orders = plan.orders.map(order => renderOrder(order, plan));
	const {limit, offset} = plan.limits;
	return sql`select ${comma(columns)} from ${from}${join(lateral, nothing)} ${where(conditions)}${
		orders.length === 0 ? nothing : sql` order by ${comma(orders)}`
	}${limit === null || limit === Infinity ? nothing : sql` limit ${value(String(limit))}::bigint`}${
		offset === 0 ? nothing : sql` offset ${value(String(offset))}::bigint`
	}`;
}

function renderOrder({term, related, direction, nulls}: PlannedOrder, plan: ReadPlan): Sql {
	const expression = related === null ? renderTerm(term, plan) : renderRelated(related);
	const ascending = direction === null ? nothing : direction === 'asc' ? sql` asc` : sql` desc`;
	const nullsOrder = nulls === null ? nothing : nulls === 'nullsfirst' ? sql` nulls first` : sql` nulls last`;
	return sql`${expression}${ascending}${nullsOrder}`;
}

/** A column by which the parent rows are ordered; these follow the selected columns. */
function renderRelated({embed, position}: {embed: Embed; position: number}): Sql {
	return sql`${identifier(embed.alias)}.${identifier(generatedName('c', spreadKeys(embed).length + position))}`;
}

function renderEmbedded({alias, relationship}: Embed): Sql {
	const json = sql`${identifier(alias)}."json"`;
	return isToOne(relationship) ? json : sql`coalesce(${json}, '[]')`;
}

/** Joins the embedded rows, as one JSON value for each parent row: `left join lateral (...) "e1" on true`. */
function renderJoin(parent: ReadPlan, embed: Embed): Sql {
	const {plan, inner, spread, relationship, orderTerms} = embed;
	const {from, joined} = embedSource(parent, embed);
	const {select, keys} = renderColumns(
		plan,
		from,
		joined,
		orderTerms.map(term => renderTerm(term, plan)),
	);
	const toOne = isToOne(relationship);
	const indexes = [...(spread ? keys : []).keys(), ...orderTerms.map((_, index) => keys.length + index)];
	const columns = indexes.map(index => {
		const column = sql`"r".${identifier(generatedName('c', index))}`;
		const shown = toOne ? column : sql`coalesce(json_agg(${column}), '[]')`;
		return sql`, ${shown} as ${identifier(generatedName('c', index))}`;
	});
	const json = spread
		? nothing
		: toOne
			? sql`, ${renderObject(keys)} as "json"`
			: sql`, json_agg(${renderObject(keys)}) as "json"`;
	const found = toOne ? sql`true as "found"` : sql`nullif(count(*), 0) as "found"`;
	const kind = inner ? sql` inner join lateral ` : sql` left join lateral `;
	const alias = identifier(embed.alias);
	const condition = inner && !toOne ? sql`${alias}."found" is not null` : sql`true`;
	return sql`${kind}(select ${found}${json}${join(columns, nothing)} from (${select}) as "r") as ${alias} on ${condition}`;
}

function embedSource(parent: ReadPlan, {plan, relationship, junctionAlias}: Embed): {from: Sql; joined: Sql[]} {
	const {to, columns, junction, routine} = relationship;
	const above = identifier(parent.alias);
	const inside = identifier(plan.alias);
	const target = sql`${qualified(to)} as ${inside}`;
	if (routine !== undefined) {
		// Rows of a CTE have lost their table's type.
		const given = parent.source.fromCte ? sql`${above}::${qualified(relationship.from)}` : above;
		return {from: sql`${qualified(routine)}(${given}) as ${inside}`, joined: []};
	}
	const equal = (left: Sql, a: Name, right: Sql, b: Name) => sql`${left}.${identifier(a)} = ${right}.${identifier(b)}`;
	if (junction === undefined)
		return {from: target, joined: columns.map(([near, far]) => equal(inside, far, above, near))};
	const between = identifier(junctionAlias);
	return {
		from: sql`${target} inner join ${qualified(junction.table)} as ${between} on ${join(
			junction.columns.map(([own, far]) => equal(between, own, inside, far)),
			sql` and `,
		)}`,
		joined: columns.map(([near, own]) => equal(between, own, above, near)),
	};
}

function where(conditions: readonly Sql[]): Sql {
	return conditions.length === 0 ? nothing : sql`where ${join(conditions, sql` and `)}`;
}
