import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {RestError} from '../../../source/hub/rest/errors/error.ts';
import {type Field} from '../../../source/hub/rest/query/field.ts';
import {type Condition} from '../../../source/hub/rest/query/filter.ts';
import {type OrderTerm} from '../../../source/hub/rest/query/order.ts';
import {parseQuery} from '../../../source/hub/rest/query/query.ts';
import {type SelectItem} from '../../../source/hub/rest/query/select.ts';

// Queries of clients as trees. `write...` formats them, and the parser must return the same tree.

const name = fc.oneof(
	fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/),
	fc.string({unit: 'grapheme', minLength: 1, maxLength: 8}),
);
const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
const plain = fc
	.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/)
	.filter(word => !['not', 'and', 'or', 'count', 'inner', 'left'].includes(word));
const step = fc.record({
	arrow: fc.constantFrom('->' as const, '->>' as const),
	key: fc.oneof(plain, fc.integer({min: -9, max: 99})),
});
const field: fc.Arbitrary<Field> = fc.record({name, path: fc.array(step, {maxLength: 2})});
const writeField = ({name, path}: Field): string =>
	quoted(name) + path.map(({arrow, key}) => `${arrow}${key}`).join('');

const order: fc.Arbitrary<OrderTerm> = fc.record({
	relation: fc.option(name),
	field,
	direction: fc.constantFrom('asc', 'desc', null),
	nulls: fc.constantFrom('nullsfirst', 'nullslast', null),
});
const writeOrder = ({relation, field, direction, nulls}: OrderTerm): string => {
	const by = relation === null ? writeField(field) : `${quoted(relation)}(${writeField(field)})`;
	return [by, direction, nulls].filter(part => part !== null).join('.');
};

const {item} = fc.letrec<{item: SelectItem}>(tie => ({
	item: fc.oneof(
		{depthSize: 'small', withCrossShrink: true},
		fc.constant<SelectItem>({kind: 'star'}),
		fc.record({kind: fc.constant('field' as const), field, cast: fc.option(plain), alias: fc.option(name)}),
		fc
			.record({
				kind: fc.constant('relation' as const),
				name,
				alias: fc.option(name),
				hint: fc.option(plain),
				inner: fc.boolean(),
				spread: fc.boolean(),
				items: fc.array(tie('item'), {maxLength: 3}),
			})
			.map(relation => (relation.spread ? {...relation, alias: null} : relation)),
	),
}));
const writeItem = (item: SelectItem): string => {
	if (item.kind === 'star') return '*';
	const alias = item.alias === null ? '' : `${quoted(item.alias)}:`;
	if (item.kind === 'field') return `${alias}${writeField(item.field)}${item.cast === null ? '' : `::${item.cast}`}`;
	const hint = item.hint === null ? '' : `!${item.hint}`;
	return `${item.spread ? '...' : alias}${quoted(item.name)}${hint}${item.inner ? '!inner' : ''}(${item.items.map(writeItem).join(',')})`;
};

const text = fc.string({unit: 'grapheme', maxLength: 10});
const {node} = fc.letrec<{node: Condition}>(tie => ({
	node: fc.oneof(
		{depthSize: 'small', withCrossShrink: true},
		fc.record({
			kind: fc.constant('filter' as const),
			field,
			negated: fc.boolean(),
			operation: fc.oneof(
				fc.record({
					kind: fc.constant('compare' as const),
					operator: fc.constantFrom('eq', 'gte', 'like'),
					quantifier: fc.constantFrom('any', 'all', null),
					value: text,
				}),
				fc.record({
					kind: fc.constant('compare' as const),
					operator: fc.constantFrom('neq', 'cs', 'adj', 'nxr'),
					quantifier: fc.constant(null),
					value: text,
				}),
				fc.record({kind: fc.constant('in' as const), values: fc.array(text, {minLength: 1, maxLength: 3})}),
				fc.record({
					kind: fc.constant('is' as const),
					truth: fc.constantFrom('null', 'not_null', 'true', 'false', 'unknown'),
				}),
				fc.record({kind: fc.constant('distinct' as const), value: text}),
				fc.record({
					kind: fc.constant('search' as const),
					operator: fc.constantFrom('fts', 'wfts'),
					language: fc.option(plain),
					value: text,
				}),
			),
		}) as fc.Arbitrary<Condition>,
		fc.record({
			kind: fc.constantFrom('and' as const, 'or' as const),
			negated: fc.boolean(),
			nodes: fc.array(tie('node'), {minLength: 1, maxLength: 3}),
		}),
	),
}));
const writeNode = (node: Condition): string => {
	const not = node.negated ? 'not.' : '';
	if (node.kind !== 'filter') return `${not}${node.kind}(${node.nodes.map(writeNode).join(',')})`;
	const {operation} = node;
	const said = () => {
		switch (operation.kind) {
			case 'compare':
				return `${operation.operator}${operation.quantifier === null ? '' : `(${operation.quantifier})`}.${quoted(operation.value)}`;
			case 'in':
				return `in.(${operation.values.map(quoted).join(',')})`;
			case 'is':
				return `is.${operation.truth}`;
			case 'distinct':
				return `isdistinct.${quoted(operation.value)}`;
			case 'search':
				return `${operation.operator}${operation.language === null ? '' : `(${operation.language})`}.${quoted(operation.value)}`;
		}
		return operation satisfies never;
	};
	return `${writeField(node.field)}.${not}${said()}`;
};

describe('queries that were formatted are parsed again', () => {
	test('select', () => {
		fc.assert(
			fc.property(fc.array(item, {minLength: 1, maxLength: 4}), items => {
				expect(parseQuery(new URLSearchParams({select: items.map(writeItem).join(',')}), false).select).toEqual(items);
			}),
		);
	});

	test('order, of the root and of what is embedded', () => {
		fc.assert(
			fc.property(fc.array(order, {minLength: 1, maxLength: 4}), plain, (terms, embedded) => {
				const written = terms.map(writeOrder).join(',');
				const {orders} = parseQuery(new URLSearchParams({order: written, [`${embedded}.order`]: written}), false);
				expect(orders).toEqual([
					{path: [], it: terms},
					{path: [embedded], it: terms},
				]);
			}),
		);
	});

	test('trees of conditions', () => {
		fc.assert(
			fc.property(
				fc.array(node, {minLength: 1, maxLength: 3}),
				fc.constantFrom('and', 'or', 'not.or'),
				(nodes, key) => {
					const {conditions} = parseQuery(new URLSearchParams({[key]: `(${nodes.map(writeNode).join(',')})`}), false);
					const [not, kind] = key.startsWith('not.') ? [true, key.slice(4)] : [false, key];
					expect(conditions).toEqual([{path: [], it: {kind, negated: not, nodes}}]);
				},
			),
		);
	});
});

describe('invalid queries', () => {
	const fault = (query: Record<string, string> | [string, string][], call = false): unknown => {
		try {
			parseQuery(new URLSearchParams(query), call);
			return null;
		} catch (error) {
			return error;
		}
	};

	test('are errors with the position and what was expected', () => {
		expect(fault({id: 'noop.1'})).toMatchObject({
			code: 'PGRST100',
			message: '"failed to parse filter (noop.1)" (line 1, column 1)',
			details: 'unexpected "n" expecting "not" or operator (eq, gt, ...)',
		});
		expect(fault({order: 'id.smth'})).toMatchObject({
			message: '"failed to parse order (id.smth)" (line 1, column 4)',
			details: 'unexpected "s" expecting "asc", "desc", "nullsfirst" or "nullslast"',
		});
		expect(fault({order: 'id.ac'})).toMatchObject({
			details: 'unexpected "c" expecting "asc", "desc", "nullsfirst" or "nullslast"',
		});
		expect(fault({order: 'id.asc.nlsfst'})).toMatchObject({
			message: '"failed to parse order (id.asc.nlsfst)" (line 1, column 8)',
			details: 'unexpected "l" expecting "nullsfirst" or "nullslast"',
		});
		expect(fault({order: 'id.asc.nullslasttt'})).toMatchObject({
			message: '"failed to parse order (id.asc.nullslasttt)" (line 1, column 17)',
			details: `unexpected 't' expecting "," or end of input`,
		});
		expect(fault({or: '()'})).toMatchObject({
			message: '"failed to parse logic tree (())" (line 1, column 4)',
			details: expect.stringContaining('negation operator (not) or logic operator (and, or)'),
		});
		expect(fault({columns: ''})).toMatchObject({message: '"failed to parse columns parameter ()" (line 1, column 1)'});
		expect(fault({select: 'data->>--34'})).toMatchObject({
			message: '"failed to parse select parameter (data->>--34)" (line 1, column 9)',
			details: 'unexpected "-" expecting digit',
		});
		expect(fault({select: 'a,b('})).toMatchObject({details: 'unexpected end of input expecting ")"'});
	});

	test('never throw anything else', () => {
		fc.assert(
			fc.property(
				fc.array(fc.tuple(fc.string({unit: 'binary'}), fc.string({unit: 'binary'}))),
				fc.boolean(),
				(pairs, call) => {
					const error = fault(pairs, call);
					expect(error === null || error instanceof RestError).toBe(true);
				},
			),
			{numRuns: 2000},
		);
	});
});
