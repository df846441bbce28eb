import {arrayText} from '../../database/array-text.ts';
import {type Parameter, type Routine} from '../catalog/catalog.ts';
import {type Payload} from '../query/payload.ts';
import {type ReadPlan} from '../plan/read-plan.ts';
import {body, typedColumns} from './body.ts';
import {isAggregate} from './render-condition.ts';
import {
	catalogText,
	comma,
	generatedName,
	identifier,
	join,
	nothing,
	qualified,
	sql,
	type Sql,
	value,
} from '../catalog/sql.ts';

/** The arguments of a function call. */
export type CallArguments =
	| {readonly kind: 'query'; readonly given: readonly (readonly [name: string, value: string])[]}
	| {readonly kind: 'body'; readonly payload: Payload};

const call: Sql = identifier(generatedName('c', 0));

/** A select of the rows that a function returns. Scalars have the single column `pgrst_scalar`. */
export function renderCall(routine: Routine, args: CallArguments, plan: ReadPlan): Sql {
	const {rows, list} = renderArguments(routine, args);
	if (routine.returns === 'record') {
		// In FROM, a record would need a list of its columns.
		const from = rows === null ? nothing : sql` from ${rows}`;
		return sql`select ${qualified(routine)}(${list}) as "pgrst_scalar"${from}`;
	}
	const before = rows === null ? nothing : sql`${rows}, lateral `;
	const called = sql`${before}${qualified(routine)}(${list}) as ${call}`;
	if (routine.returns !== 'row') return sql`select ${call}."pgrst_scalar" from ${called}("pgrst_scalar")`;
	const computed = new Map(
		[...plan.outputs, ...plan.orders.filter(({related}) => related === null), ...filters(plan.conditions)].flatMap(
			each =>
				'term' in each && each.term.kind === 'computed' && !isAggregate(each.term.routine)
					? [[each.term.routine.name, each.term.routine]]
					: [],
		),
	);
	const more = [...computed.values()].map(each => sql`, ${qualified(each)}(${call}) as ${identifier(each.name)}`);
	return sql`select ${call}.*${join(more, nothing)} from ${called}`;
}

function filters(conditions: ReadPlan['conditions']): (ReadPlan['conditions'][number] & {kind: 'filter'})[] {
	return conditions.flatMap(each => {
		if (each.kind === 'filter') return [each];
		return each.kind === 'embedded' ? [] : filters(each.nodes);
	});
}

/** The argument list, and the row of the body from which the arguments are taken. */
function renderArguments({parameters}: Routine, args: CallArguments): {rows: Sql | null; list: Sql} {
	const [single] = parameters;
	if (single?.name === '') {
		const text = args.kind === 'body' ? args.payload.text : null;
		return {rows: null, list: sql`${value(text)}::${catalogText(single.type)}`};
	}
	const named = (parameter: Parameter, argument: Sql) =>
		sql`${parameter.variadic ? sql`variadic ` : nothing}${identifier(parameter.name)} => ${argument}`;
	if (args.kind === 'query') {
		const given = parameters.filter(({name}) => args.given.some(([key]) => key === name));
		const list = given.map(parameter => named(parameter, renderGiven(parameter, args.given)));
		return {rows: null, list: comma(list)};
	}
	const {payload} = args;
	const given = parameters.filter(({name}) => payload.keys.includes(name));
	if (given.length === 0) return {rows: null, list: nothing};
	const typed = typedColumns(given);
	const rows = payload.isObject
		? sql`json_to_record(${value(payload.text)}::json) as ${body}(${typed})`
		: sql`(select * from json_to_recordset(${value(payload.text)}::json) as "all"(${typed}) limit 1) as ${body}`;
	return {
		rows,
		list: comma(given.map(parameter => named(parameter, sql`${body}.${identifier(parameter.name)}`))),
	};
}

function renderGiven({name, type, variadic}: Parameter, given: readonly (readonly [string, string])[]): Sql {
	const values = given.filter(([key]) => key === name).map(([, text]) => text);
	const last = values.at(-1) ?? '';
	return sql`${value(variadic ? arrayText(values) : last)}::${catalogText(type)}`;
}
