import {arrayText} from '../../database/array-text.ts';
import {type Qualified} from '../catalog/catalog.ts';
import {type Comparison, type Operation, type Search, type Truth} from '../query/filter.ts';
import {type Embed, type PlannedCondition, type ReadPlan, type Source, type Term} from '../plan/read-plan.ts';
import {identifier, join, type Name, qualified, sql, type Sql, value} from '../catalog/sql.ts';

const comparisons: {readonly [operator in Comparison]: Sql} = {
	eq: sql`=`,
	neq: sql`<>`,
	gte: sql`>=`,
	gt: sql`>`,
	lte: sql`<=`,
	lt: sql`<`,
	like: sql`like`,
	ilike: sql`ilike`,
	match: sql`~`,
	imatch: sql`~*`,
	cs: sql`@>`,
	cd: sql`<@`,
	ov: sql`&&`,
	sl: sql`<<`,
	sr: sql`>>`,
	nxr: sql`&<`,
	nxl: sql`&>`,
	adj: sql`-|-`,
};

const searches: {readonly [operator in Search]: Sql} = {
	fts: sql`to_tsquery`,
	plfts: sql`plainto_tsquery`,
	phfts: sql`phraseto_tsquery`,
	wfts: sql`websearch_to_tsquery`,
};

const truths: {readonly [truth in Truth]: Sql} = {
	null: sql`null`,
	not_null: sql`not null`,
	true: sql`true`,
	false: sql`false`,
	unknown: sql`unknown`,
};

/** The rows that conditions and outputs refer to. */
export type Rows = Pick<ReadPlan, 'alias'> & {readonly source: Pick<Source, 'fromCte'>};

/** A column, or a value in its JSON. */
export function renderTerm(term: Term, {alias, source}: Rows): Sql {
	const base = renderBase(term, alias, source.fromCte);
	if (term.path.length === 0) return base;
	const type = baseType(term);
	const isJson = type === 'json' || type === 'jsonb';
	return term.path.reduce(
		(inner, {arrow, key}) => {
			const step = typeof key === 'string' ? sql`${value(key)}::text` : sql`${value(String(key))}::int`;
			return arrow === '->' ? sql`(${inner} -> ${step})` : sql`(${inner} ->> ${step})`;
		},
		isJson ? base : sql`to_jsonb(${base})`,
	);
}

/** Whether a computed column is an aggregate, which is computed from all rows and not for each one. */
export function isAggregate({schema}: Qualified): boolean {
	return schema === 'pg_catalog';
}

function baseType(term: Term): string {
	return term.kind === 'column' ? term.column.base : term.routine.base;
}

function renderBase(term: Term, alias: Name, made: boolean): Sql {
	if (term.kind === 'column') return sql`${identifier(alias)}.${identifier(term.column.name)}`;
	if (made && !isAggregate(term.routine)) return sql`${identifier(alias)}.${identifier(term.routine.name)}`;
	return sql`${qualified(term.routine)}(${identifier(alias)})`;
}

/** A condition as a boolean expression. `embedded` renders a test for embedded rows. */
export function renderCondition(
	condition: PlannedCondition,
	rows: Rows,
	embedded: (embed: Embed, exists: boolean) => Sql,
): Sql {
	if (condition.kind === 'embedded') return embedded(condition.embed, condition.exists);
	const inner =
		condition.kind === 'filter'
			? renderOperation(condition.operation, condition.term, rows)
			: join(
					condition.nodes.map(node => renderCondition(node, rows, embedded)),
					condition.kind === 'and' ? sql` and ` : sql` or `,
				);
	return condition.negated ? sql`(not (${inner}))` : sql`(${inner})`;
}

function renderOperation(operation: Operation, term: Term, rows: Rows): Sql {
	const left = renderTerm(term, rows);
	switch (operation.kind) {
		case 'in':
			// `in.()` matches nothing.
			return sql`${left} = any (${value(operation.values.join() === '' ? '{}' : arrayText(operation.values))})`;
		case 'is':
			return sql`${left} is ${truths[operation.truth]}`;
		case 'distinct':
			return sql`${left} is distinct from ${value(operation.value)}`;
		case 'search': {
			const {operator, language} = operation;
			const before = language === null ? sql`` : sql`${value(language)}::regconfig, `;
			const isVector = term.path.length === 0 && baseType(term) === 'tsvector';
			const vector = isVector ? left : sql`to_tsvector(${before}${left})`;
			return sql`${vector} @@ ${searches[operator]}(${before}${value(operation.value)})`;
		}
		case 'compare':
			return renderComparison(operation, left);
	}
	return operation satisfies never;
}

function renderComparison({operator, quantifier, value: text}: Operation & {kind: 'compare'}, left: Sql): Sql {
	// In URLs, `*` stands for `%`, which would have to be escaped.
	const right = value(operator === 'like' || operator === 'ilike' ? text.replaceAll('*', '%') : text);
	if (quantifier === 'any') return sql`${left} ${comparisons[operator]} any (${right})`;
	if (quantifier === 'all') return sql`${left} ${comparisons[operator]} all (${right})`;
	return sql`${left} ${comparisons[operator]} ${right}`;
}
