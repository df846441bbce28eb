import {readdirSync, readFileSync} from 'node:fs';
import {join, relative} from 'node:path';
import {type Import, imports} from './imports.ts';

/** The files of source/ and what they import; all paths are relative to source/, with slashes. */
export interface Tree {
	readonly files: readonly string[];
	readonly imports: ReadonlyMap<string, readonly Import[]>;
}

export const sourceFolder = join(import.meta.dirname, '../../source');

export function filesIn(folder: string): readonly string[] {
	return readdirSync(folder, {recursive: true, withFileTypes: true})
		.filter(entry => entry.isFile())
		.map(({parentPath, name}) => relative(folder, join(parentPath, name)).replaceAll('\\', '/'))
		.toSorted();
}

export function readTree(folder: string): Tree {
	const files = filesIn(folder);
	const code = files.filter(file => /\.tsx?$/.test(file));
	return {files, imports: new Map(code.map(file => [file, imports(file, readFileSync(join(folder, file), 'utf8'))]))};
}

/** Every import of one file of the tree by another. */
export function edges(tree: Tree): ReadonlyArray<{readonly from: string; readonly to: string}> {
	return [...tree.imports].flatMap(([from, all]) =>
		all.flatMap(({resolved}) => (resolved !== null && tree.imports.has(resolved) ? [{from, to: resolved}] : [])),
	);
}

/** The folder of a file; '' is source/. */
export function folderOf(file: string): string {
	return file.slice(0, Math.max(0, file.lastIndexOf('/')));
}

/** The folders that have subfolders. */
export function parents(tree: Tree): readonly string[] {
	const folders = new Set([...tree.imports.keys()].map(folderOf).flatMap(ancestors));
	return [...new Set([...folders].filter(folder => folder !== '').map(folderOf))].toSorted();
}

/** The part of `parent` to which a file in it belongs: a subfolder or `.`; in source/, a file is its own part. */
export function childOf(parent: string, file: string): string {
	const rest = parent === '' ? file : file.slice(parent.length + 1);
	const [first = ''] = rest.split('/');
	return parent === '' || first !== rest ? first : '.';
}

/** The innermost folder that has both files. */
export function commonFolder(one: string, other: string): string {
	const folders = ancestors(folderOf(other));
	return ancestors(folderOf(one)).find(folder => folders.includes(folder)) ?? '';
}

/** A folder and those around it, the innermost first. */
function ancestors(folder: string): readonly string[] {
	return folder === '' ? [''] : [folder, ...ancestors(folderOf(folder))];
}

export function pathOf(parent: string, child: string): string {
	if (child === '.') return `${parent}/*`;
	return parent === '' ? child : `${parent}/${child}`;
}

/** Whether a path is that of a file or folder, or of something in that folder. */
export function isWithin(path: string, folder: string): boolean {
	return folder === '' || path === folder || path.startsWith(`${folder}/`);
}
