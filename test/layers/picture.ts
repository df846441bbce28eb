import type {Violation} from './check.ts';
import {levels, orderOf} from './graph.ts';
import {childOf, commonFolder, edges, folderOf, parents, isWithin, type Tree} from './tree.ts';

/** An import of a file in one subfolder (`own`) by a file in another. */
interface Arrow {
	readonly from: string;
	readonly to: string;
	readonly own: string;
	readonly other: string;
}

/** The layers of each folder that has subfolders. */
export function picture(tree: Tree, violations: readonly Violation[]): string {
	return parents(tree)
		.flatMap(parent => pictureOf(tree, parent, violations))
		.join('\n');
}

function pictureOf(tree: Tree, parent: string, violations: readonly Violation[]): readonly string[] {
	const arrows = arrowsIn(tree, parent);
	const folders = new Set(
		[...tree.imports.keys()].filter(file => isWithin(file, parent)).map(file => childOf(parent, file)),
	);
	const graph = new Map([...folders].map(folder => [folder, new Set<string>()]));
	for (const {own, other} of arrows) graph.get(own)?.add(other);
	const floors = levels(graph);
	const pairs = [...graph.values()].reduce((sum, {size}) => sum + size, 0);
	const back = violations.filter(({file, import: at}) => at?.resolved && commonFolder(file, at.resolved) === parent);
	const circles = floors.flat().filter(({length}) => length > 1);
	return [
		`source/${parent}: folders ${folders.size}, floors ${floors.length}, arrows ${pairs}, arrows back ${back.length}, circles ${circles.length}`,
		...floors
			.map((floor, n) => `${String(n).padStart(4)}  ${floor.map(each => each.join(' <-> ')).join('  ')}`)
			.toReversed(),
		...back.map(({file, import: at}) => `      back: ${file} -> ${at?.resolved}`),
		...circles
			.flatMap(circle => closing(circle, arrows))
			.map(({from, to}) => `      closes a circle: ${from} -> ${to}`),
	];
}

function arrowsIn(tree: Tree, parent: string): readonly Arrow[] {
	return edges(tree)
		.filter(({from, to}) => commonFolder(from, to) === parent)
		.map(({from, to}) => ({from, to, own: childOf(parent, from), other: childOf(parent, to)}))
		.filter(({own, other}) => own !== other);
}

/** The imports that make a cycle; without them, the folders would be layered. */
function closing(circle: readonly string[], arrows: readonly Arrow[]): readonly Arrow[] {
	const inner = arrows.filter(({own, other}) => circle.includes(own) && circle.includes(other));
	const order = orderOf(
		circle,
		inner.map(({own, other}) => ({from: own, to: other})),
	);
	return inner.filter(({own, other}) => order.indexOf(own) > order.indexOf(other));
}

/** The folders with more than `maxFiles` files, largest first. */
export function largeFolders({files}: Tree, maxFiles: number): ReadonlyArray<readonly [folder: string, count: number]> {
	return [...Map.groupBy(files, folderOf)]
		.map(([folder, all]) => [folder, all.length] as const)
		.filter(([, count]) => count > maxFiles)
		.toSorted(([, a], [, b]) => b - a);
}
