import {createHash} from 'node:crypto';
import {readdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {packageRoot} from '../../source/hub/files/package-root.ts';

/** The sources of the built program. */
export const programParts = [
	'package.json',
	'package-lock.json',
	'rolldown.config.ts',
	'source',
	'supabase/migrations',
];

/** A hash of these files and folders of the package, by their names and contents. */
export function hashOf(parts: readonly string[]): string {
	const hash = createHash('sha256');
	for (const part of parts) {
		const path = join(packageRoot, part);
		const files = statSync(path).isFile()
			? [path]
			: readdirSync(path, {recursive: true, withFileTypes: true})
					.filter(entry => entry.isFile())
					.map(entry => join(entry.parentPath, entry.name))
					.sort();
		for (const file of files) hash.update(`${file}\0`).update(readFileSync(file)).update('\0');
	}
	return hash.digest('hex');
}
