import {readFileSync} from 'node:fs';
import {posix} from 'node:path';
import {parseSync, Visitor} from 'rolldown/utils';

export interface Import {
	/** As it is written; of an expression that is not a string, its source text. */
	readonly specifier: string;
	/** The file that a relative specifier names, relative to what `file` was relative to; null for packages and expressions. */
	readonly resolved: string | null;
	readonly kind: 'static' | 'type-only' | 're-export' | 'dynamic' | 'require' | 'computed';
	readonly line: number;
}

interface Node {
	readonly type: string;
	readonly start: number;
	readonly end: number;
}

/**
 * What a file of TypeScript imports, in every form there is, by line. `text` is for a file that is not on the disk.
 * Throws where it cannot be parsed.
 */
export function imports(file: string, text: string = readFileSync(file, 'utf8')): readonly Import[] {
	const {program, errors} = parseSync(file, text);
	if (errors[0]) throw new Error(`${file}: ${errors[0].message}`);
	const found: Import[] = [];
	const add = (kind: Import['kind'], source: Node): void => {
		const specifier = stringOf(source);
		const line = text.slice(0, source.start).split('\n').length;
		found.push(
			specifier === null
				? {specifier: text.slice(source.start, source.end), resolved: null, kind: 'computed', line}
				: {specifier, resolved: resolve(file, specifier), kind, line},
		);
	};
	new Visitor({
		ImportDeclaration({source, importKind, specifiers}) {
			const onlyTypes =
				specifiers.length > 0 && specifiers.every(each => 'importKind' in each && each.importKind === 'type');
			add(importKind === 'type' || onlyTypes ? 'type-only' : 'static', source);
		},
		ExportNamedDeclaration({source}) {
			if (source) add('re-export', source);
		},
		ExportAllDeclaration: ({source}) => add('re-export', source),
		ImportExpression: ({source}) => add('dynamic', source),
		TSImportType: ({source}) => add('type-only', source),
		TSExternalModuleReference: ({expression}) => add('require', expression),
		CallExpression({callee, arguments: [first]}) {
			if (first && loaders.test(text.slice(callee.start, callee.end))) add('require', first);
		},
	}).visit(program);
	return found.toSorted((a, b) => a.line - b.line);
}

/** What loads a module and is no `import`. */
const loaders = /^(require|createRequire\([^]*\)|import\.meta\.resolve)$/;

function resolve(file: string, specifier: string): string | null {
	return specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : null;
}

/** A string, or a template without an expression in it. */
function stringOf(node: Node): string | null {
	if (node.type === 'Literal' && 'value' in node && typeof node.value === 'string') return node.value;
	if (node.type !== 'TemplateLiteral' || !('quasis' in node)) return null;
	const parts = node.quasis as ReadonlyArray<{readonly value: {readonly cooked: string | null}}>;
	return parts.length === 1 ? (parts[0]?.value.cooked ?? null) : null;
}
