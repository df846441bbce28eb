import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {parseSync, Visitor} from 'rolldown/utils';
import type {Violation} from './check.ts';
import type {Stateless} from './layers.ts';
import {isWithin} from './tree.ts';

/** The state in modules that must have none, and exceptions that are none any more. `root`: source/, with its `files`. */
export function checkState(files: readonly string[], table: Stateless, root: string): readonly Violation[] {
	return Object.entries(table).flatMap(([folder, exceptions]) => {
		const found = files
			.filter(file => /\.tsx?$/.test(file) && isWithin(file, folder))
			.flatMap(file => moduleState(file, readFileSync(join(root, file), 'utf8')));
		const stale = Object.keys(exceptions).filter(file => !found.some(each => each.file === file));
		return [
			...found.filter(({file}) => !(file in exceptions)),
			...stale.map(file => ({file, rule: 'test/layers/layers.ts lets it have state, and it has none.'})),
		];
	});
}

/** The state that a module has: variables, and collections and objects that its functions change. */
export function moduleState(file: string, text: string): readonly Violation[] {
	const {program, errors} = parseSync(file, text);
	if (errors[0]) throw new Error(`${file}: ${errors[0].message}`);
	const found = new Map<string, string>();
	const constants = new Set<string>();
	for (const statement of program.body as readonly unknown[] as readonly Node[]) {
		const node = declarationOf(statement);
		if (node.type === 'ImportDeclaration') for (const {local} of list(node, 'specifiers')) constants.add(nameOf(local));
		if (node.type === 'ClassDeclaration') {
			for (const part of list(child(node, 'body'), 'body')) {
				if (part.type === 'PropertyDefinition' && part['static'] === true && part['readonly'] !== true)
					found.set(nameOf(part['key']), 'is a static property that can be set');
			}
		}
		if (node.type !== 'VariableDeclaration') continue;
		for (const {id, init} of list(node, 'declarations')) {
			const name = nameOf(id);
			if (node['kind'] !== 'const') found.set(name, 'is a variable');
			else if (isEmptyCollection(bare(init))) found.set(name, 'is a collection that begins empty');
			if (!isWeak(bare(init))) constants.add(name);
		}
	}
	const change = (target: unknown): void => {
		const name = rootOf(target);
		if (name !== null && constants.has(name) && !found.has(name)) found.set(name, 'is changed by a function');
	};
	new Visitor({
		AssignmentExpression: ({left}) => change(left),
		UpdateExpression: ({argument}) => change(argument),
		UnaryExpression({operator, argument}) {
			if (operator === 'delete') change(argument);
		},
		CallExpression({callee}) {
			const called = callee as unknown as Node;
			if (called.type === 'MemberExpression' && mutators.has(nameOf(called['property']))) change(called);
		},
	}).visit(program);
	return [...found].map(([name, what]) => ({
		file,
		rule: `\`${name}\` ${what}: two screens of one process would share it.`,
	}));
}

interface Node {
	readonly type: string;
	readonly [property: string]: unknown;
}

const mutators = new Set('set add delete clear push pop shift unshift splice sort reverse fill copyWithin'.split(' '));

function child(node: Node, property: string): Node {
	return node[property] as Node;
}

function list(node: Node, property: string): ReadonlyArray<Node & {readonly local?: unknown; readonly id?: unknown}> {
	return node[property] as readonly Node[];
}

function nameOf(node: unknown): string {
	const name = (node as Node | undefined)?.['name'];
	return typeof name === 'string' ? name : '';
}

/** What a statement declares, exported or not. */
function declarationOf(statement: Node): Node {
	const exported = statement.type === 'ExportNamedDeclaration' || statement.type === 'ExportDefaultDeclaration';
	return exported ? ((statement['declaration'] as Node | null) ?? statement) : statement;
}

/** An expression without what only TypeScript sees of it. */
function bare(node: unknown): Node | null {
	const expression = node as Node | null;
	const isTyped = expression?.type === 'TSAsExpression' || expression?.type === 'TSSatisfiesExpression';
	return isTyped ? bare(expression['expression']) : expression;
}

function isEmptyCollection(init: Node | null): boolean {
	if (init?.type === 'ArrayExpression') return list(init, 'elements').length === 0;
	if (init?.type !== 'NewExpression' || list(init, 'arguments').length > 0) return false;
	return ['Map', 'Set', 'Array'].includes(nameOf(init['callee']));
}

/** Keyed by objects that somebody else has: it goes with them. */
function isWeak(init: Node | null): boolean {
	return init?.type === 'NewExpression' && ['WeakMap', 'WeakSet'].includes(nameOf(init['callee']));
}

/** The name at the beginning of `name.property[index]`; null where the name itself stands alone, or there is none. */
function rootOf(target: unknown): string | null {
	let node = target as Node;
	if (node.type !== 'MemberExpression') return null;
	while (node.type === 'MemberExpression' || node.type === 'TSNonNullExpression')
		node = child(node, node.type === 'MemberExpression' ? 'object' : 'expression');
	return node.type === 'Identifier' ? nameOf(node) : null;
}
