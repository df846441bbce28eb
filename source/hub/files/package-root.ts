import {existsSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

/** Whether this runs from source/ (Node strips the types) rather than from the bundle in dist/. */
export const fromSource = import.meta.url.endsWith('.ts');

/** The folder with package.json and supabase/, wherever the bundler put this module. */
export const packageRoot = find(dirname(fileURLToPath(import.meta.url)));

function find(folder: string): string {
	if (existsSync(join(folder, 'package.json'))) return folder;
	const parent = dirname(folder);
	if (parent === folder) throw new Error('agentmux is not inside its package: no package.json in any folder above it');
	return find(parent);
}
