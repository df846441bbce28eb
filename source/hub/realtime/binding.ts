import {createHash} from 'node:crypto';
import {inspect} from './inspect.ts';

export const filterOperators = {eq: '=', neq: '<>', lt: '<', lte: '<=', gt: '>', gte: '>=', in: '= any'} as const;
type FilterOperator = keyof typeof filterOperators;

export interface BindingFilter {
	readonly column: string;
	readonly operator: FilterOperator;
	/** In PostgreSQL's text form; for `in`, an array literal. */
	readonly value: string;
}

export type ChangeType = 'INSERT' | 'UPDATE' | 'DELETE';

/** One entry of `postgres_changes`, parsed. */
export interface Binding {
	readonly id: number;
	readonly event: ChangeType | '*';
	readonly schema: string;
	readonly table: string;
	readonly filter: BindingFilter | null;
}

type Parameters = {readonly [name: string]: unknown};

/** The id of a binding. Equal parameters give equal ids, in any channel and join. */
export function bindingId(parameters: Parameters): number {
	const sorted = Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1));
	return createHash('sha256').update(JSON.stringify(sorted)).digest().readUInt32BE() >>> 5;
}

/** Parses an entry of `postgres_changes`. A string is an error message, the one that Supabase Realtime gives. */
export function parseBinding(parameters: Parameters): Binding | string {
	const {event, schema, table, filter} = parameters;
	const has = (name: string): boolean => Object.hasOwn(parameters, name);
	const upper = typeof event === 'string' ? event.toUpperCase() : '*';
	const type = upper === 'INSERT' || upper === 'UPDATE' || upper === 'DELETE' ? upper : '*';
	const binding = {id: bindingId(parameters), event: type, filter: null} as const;
	if (typeof schema === 'string' && typeof table === 'string') {
		if (!has('filter')) return {...binding, schema, table};
		if (typeof filter === 'string') {
			const parsed = parseFilter(filter);
			return typeof parsed === 'string' ? parsed : {...binding, schema, table, filter: parsed};
		}
	} else if (!has('filter')) {
		if (typeof schema === 'string' && !has('table')) return {...binding, schema, table: '*'};
		if (typeof table === 'string' && !has('schema')) return {...binding, schema: 'public', table};
	}
	return `No subscription params provided. Please provide at least a \`schema\` or \`table\` to subscribe to: ${inspect(parameters)}`;
}

function parseFilter(text: string): BindingFilter | string {
	const wrong = 'Error parsing `filter` params: ';
	const equals = text.indexOf('=');
	if (equals === -1) return wrong + inspect([text]);
	const rest = text.slice(equals + 1);
	const dot = rest.indexOf('.');
	if (dot === -1) return wrong + inspect([rest]);
	const operator = rest.slice(0, dot);
	const value = rest.slice(dot + 1);
	if (!isOperator(operator)) return wrong + inspect([operator, value]);
	const column = text.slice(0, equals);
	if (operator !== 'in') return {column, operator, value};
	if (!/^\(.*\)$/su.test(value)) return `${wrong}\`in\` filter value must be wrapped by parentheses`;
	return {column, operator, value: `{${value.slice(1, -1)}}`};
}

function isOperator(name: string): name is FilterOperator {
	return Object.hasOwn(filterOperators, name);
}
