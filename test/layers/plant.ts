import {type Import, imports} from './imports.ts';
import type {Tree} from './tree.ts';

/** Each form in which a file may import another, by a name of its own. */
export const forms: ReadonlyArray<{readonly kind: Import['kind']; readonly code: (specifier: string) => string}> = [
	{kind: 'static', code: specifier => `import {planted} from '${specifier}';`},
	{kind: 'static', code: specifier => `import '${specifier}';`},
	{kind: 'type-only', code: specifier => `import type {Planted} from '${specifier}';`},
	{kind: 'type-only', code: specifier => `import {type Planted} from '${specifier}';`},
	{kind: 'type-only', code: specifier => `export type Planted = import('${specifier}').Planted;`},
	{kind: 're-export', code: specifier => `export {planted} from '${specifier}';`},
	{kind: 're-export', code: specifier => `export * from '${specifier}';`},
	{kind: 're-export', code: specifier => `export type {Planted} from '${specifier}';`},
	{kind: 'dynamic', code: specifier => `export const planted = () => import('${specifier}');`},
	{kind: 'require', code: specifier => `export const planted = createRequire(import.meta.url)('${specifier}');`},
];

/** The tree as if it had this file. */
export function plant(tree: Tree, file: string, code: string): Tree {
	return {files: [...tree.files, file], imports: new Map([...tree.imports, [file, imports(file, code)]])};
}
