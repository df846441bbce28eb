import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';

const root = join(import.meta.dirname, '../..');
const known = new Map<string, boolean>();

/** The test files, by whether they run the built program: those that name dist/, or import a helper that does. */
export function testFiles(): {readonly unit: string[]; readonly built: string[]} {
	const files = readdirSync(join(root, 'test'), {recursive: true, encoding: 'utf8'})
		.filter(name => /\.test\.tsx?$/.test(name))
		.map(name => join('test', name))
		.sort();
	return {
		unit: files.filter(file => !needsBuild(join(root, file))),
		built: files.filter(file => needsBuild(join(root, file))),
	};
}

function needsBuild(file: string): boolean {
	const before = known.get(file);
	if (before !== undefined) return before;
	// Two that import each other.
	known.set(file, false);
	const text = readFileSync(file, 'utf8');
	const needs =
		/['/](?:\.\.\/)*dist\/(?:cli|hook)\b/.test(
			text.replaceAll('node_modules/@supabase/mcp-server-supabase/dist', ''),
		) || imports(file, text).some(needsBuild);
	known.set(file, needs);
	return needs;
}

/** What it imports of test/; the rest of the project is run from source/. */
function imports(file: string, text: string): string[] {
	return [...text.matchAll(/from '(\.[^']+)'/g)]
		.map(([, path = '']) => join(dirname(file), path))
		.filter(path => path.startsWith(join(root, 'test')) && existsSync(path));
}
