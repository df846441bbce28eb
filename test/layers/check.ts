import {components} from './graph.ts';
import type {Import} from './imports.ts';
import {type Layers, layers} from './layers.ts';
import {childOf, commonFolder, edges, isWithin, parents, pathOf, type Tree} from './tree.ts';

export interface Violation {
	readonly file: string;
	/** The import that is at fault; absent where it is the table that lacks something. */
	readonly import?: Import;
	/** A sentence. */
	readonly rule: string;
}

export function check(tree: Tree, table: Layers = layers): readonly Violation[] {
	return [
		...gaps(tree, table),
		...[...tree.imports.keys()].flatMap(file => checkFile(tree, file, table)),
		...circles(tree),
	];
}

/** What is wrong with the imports of one file. */
export function checkFile(tree: Tree, file: string, table: Layers = layers): readonly Violation[] {
	return (tree.imports.get(file) ?? []).flatMap(each => {
		const rule = broken(tree, file, each, table);
		return rule === null ? [] : [{file, import: each, rule}];
	});
}

function broken(tree: Tree, file: string, {kind, specifier, resolved}: Import, table: Layers): string | null {
	if (kind === 'computed') return 'The path must be a string, or it cannot be checked.';
	if (resolved === null) return brokenPackage(file, specifier, table);
	if (resolved.startsWith('..')) return 'source/ may import nothing from outside.';
	if (!tree.imports.has(resolved)) return `There is no source/${resolved}.`;
	return brokenPart(file, resolved, table) ?? brokenOrder(file, resolved, table);
}

function brokenPackage(file: string, specifier: string, {packages}: Layers): string | null {
	const path = Object.keys(packages)
		.filter(each => isWithin(file, each))
		.reduce((longest, each) => (each.length > longest.length ? each : longest), '');
	const allowed = packages[path] ?? [];
	if (allowed.some(each => isWithin(specifier, each) || (each === 'node:' && specifier.startsWith(each)))) return null;
	const which = allowed.length === 0 ? 'no packages' : `only these packages: ${allowed.join(', ')}`;
	return `${path === '' ? file : path} may import ${which}.`;
}

function brokenPart(from: string, to: string, {parts}: Layers): string | null {
	const part = childOf('', from);
	const allowed = parts[part]?.imports ?? [];
	if (childOf('', to) === part || allowed.some(each => isWithin(to, each))) return null;
	return `${part} may import ${allowed.length === 0 ? 'nothing' : `only ${allowed.join(', ')}`} from the rest of source/.`;
}

function brokenOrder(from: string, to: string, {order}: Layers): string | null {
	const parent = commonFolder(from, to);
	const [own, other] = [childOf(parent, from), childOf(parent, to)];
	const layerOf = (child: string) => (order[parent] ?? []).findIndex(layer => [layer].flat().includes(child));
	const [ownLayer, otherLayer] = [layerOf(own), layerOf(other)];
	if (own === other || ownLayer === -1 || otherLayer === -1 || ownLayer < otherLayer) return null;
	const where = ownLayer === otherLayer ? 'is in the same layer' : 'is in a layer above';
	return `${pathOf(parent, own)} may not import ${pathOf(parent, other)}, which ${where}.`;
}

/** The folders and files that the table does not know. */
function gaps(tree: Tree, {parts, packages, order}: Layers): readonly Violation[] {
	const known = (parent: string): readonly string[] =>
		parent === '' ? Object.keys(parts) : (order[parent] ?? []).flat();
	const missing = parents(tree).flatMap(parent =>
		[
			...Map.groupBy(
				[...tree.imports.keys()].filter(file => isWithin(file, parent)),
				file => childOf(parent, file),
			),
		]
			.filter(([child]) => !known(parent).includes(child))
			.map(([child, [file = '']]) => ({file, rule: `test/layers/layers.ts has no line for ${pathOf(parent, child)}.`})),
	);
	const stale = [...Object.keys(parts), ...Object.keys(packages), ...Object.values(parts).flatMap(each => each.imports)]
		.filter(path => !tree.files.some(file => isWithin(file, path)))
		.map(path => ({file: path, rule: 'test/layers/layers.ts names it, and it is not there.'}));
	return [...missing, ...stale];
}

/** Files that import each other, by whatever kind of import. */
function circles(tree: Tree): readonly Violation[] {
	const graph = new Map([...tree.imports.keys()].map(file => [file, new Set<string>()]));
	for (const {from, to} of edges(tree)) graph.get(from)?.add(to);
	return components(graph)
		.filter(files => files.length > 1)
		.map(files => ({file: files[0] ?? '', rule: `These import each other in a circle: ${files.join(', ')}.`}));
}
