import {RestError} from '../errors/error.ts';
import {parseName, parseField} from './field.ts';
import {type Condition, type Filter, parseFilter, parseLogic, startsAsFilter} from './filter.ts';
import {type OrderTerm, parseOrder} from './order.ts';
import {Scanner} from './scanner.ts';
import {parseSelect, type SelectItem} from './select.ts';

/** A part of a query that applies to one embedded resource. `path` leads to it from the root, which is `[]`. */
export interface AtPath<T> {
	readonly path: readonly string[];
	readonly it: T;
}

export interface Limits {
	readonly limit: number | null;
	readonly offset: number;
}

/** A parsed query string, with names not yet resolved. */
export interface Query {
	readonly select: readonly SelectItem[];
	readonly conditions: readonly AtPath<Condition>[];
	readonly orders: readonly AtPath<readonly OrderTerm[]>[];
	readonly limits: readonly AtPath<Limits>[];
	readonly columns: readonly string[] | null;
	readonly onConflict: readonly string[] | null;
	/** The arguments of a function called by GET: all parameters that are not filters. */
	readonly arguments: readonly (readonly [name: string, value: string])[];
}

const unlimited: Limits = {limit: null, offset: 0};

/** Parses a query string. `call`: parameters may be arguments of a function. Throws PGRST100. */
export function parseQuery(parameters: URLSearchParams, call: boolean): Query {
	const conditions: AtPath<Condition>[] = [];
	const orders: AtPath<readonly OrderTerm[]>[] = [];
	const limits = new Map<string, AtPath<Limits>>();
	const args: [string, string][] = [];
	for (const [key, text] of parameters) {
		if (key === 'select' || key === 'columns' || key === 'on_conflict') continue;
		const last = key.slice(key.lastIndexOf('.') + 1);
		if (last === 'and' || last === 'or') {
			conditions.push(parseLogicAt(key, text));
		} else if (last === 'order') {
			orders.push({path: parsePathOf(key), it: parseOrder(text)});
		} else if (last === 'limit' || last === 'offset') {
			const path = parsePathOf(key);
			const at = path.join('.');
			limits.set(at, {path, it: withLimit(limits.get(at)?.it ?? unlimited, last, text)});
		} else if (call && !startsAsFilter(text)) {
			args.push([key, text]);
		} else {
			conditions.push(parseFilterAt(key, text));
		}
	}
	return {
		select: parseSelect(parameters.get('select') ?? '*'),
		conditions,
		orders,
		limits: [...limits.values()],
		columns: parseNames(parameters.get('columns'), 'columns parameter'),
		onConflict: parseNames(parameters.get('on_conflict'), 'on_conflict parameter'),
		arguments: args,
	};
}

export function limitsAt(query: Pick<Query, 'limits'>, path: readonly string[]): Limits {
	return query.limits.find(each => each.path.join('.') === path.join('.'))?.it ?? unlimited;
}

const maxBigint = 2n ** 63n - 1n;

function withLimit(limits: Limits, which: 'limit' | 'offset', text: string): Limits {
	if (!/^\s*-?\d+\s*$/.test(text)) return limits;
	// PostgreSQL's own error: limits are of type bigint.
	if (BigInt(text) > maxBigint) throw new RestError(400, '22003', `value "${text}" is out of range for type bigint`);
	const number = Math.max(Math.min(Number(text), Number.MAX_SAFE_INTEGER), -1);
	return {...limits, [which]: which === 'offset' ? Math.max(number, 0) : number};
}

function parseNames(text: string | null, what: string): string[] | null {
	if (text === null) return null;
	const scanner = new Scanner(text, what);
	const names: string[] = [];
	do {
		scanner.space();
		names.push(parseName(scanner));
		scanner.space();
	} while (scanner.eat(','));
	scanner.end();
	return names;
}

function parseFilterAt(key: string, text: string): AtPath<Filter> {
	const scanner = new Scanner(key, 'tree path');
	const path: string[] = [];
	for (;;) {
		const field = parseField(scanner);
		if (field.path.length > 0 || !scanner.eat('.')) {
			scanner.end();
			return {path, it: parseFilter(field, text)};
		}
		path.push(field.name);
	}
}

/** `posts.not.or` is a negated `or` on `posts`. */
function parseLogicAt(key: string, text: string): AtPath<Condition> {
	const names = parseDotted(key, 'logic path');
	const kind = names.at(-1) === 'or' ? 'or' : 'and';
	const above = names.slice(0, -1);
	return {path: above.filter(name => name !== 'not'), it: parseLogic(kind, above.includes('not'), text)};
}

function parsePathOf(key: string): string[] {
	return parseDotted(key, 'tree path').slice(0, -1);
}

function parseDotted(key: string, what: string): string[] {
	const scanner = new Scanner(key, what);
	const names = [parseName(scanner)];
	while (scanner.eat('.')) names.push(parseName(scanner));
	scanner.end();
	return names;
}
