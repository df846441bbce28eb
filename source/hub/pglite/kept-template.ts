import {existsSync, mkdirSync, mkdtempSync, renameSync, rmSync} from 'node:fs';
import {basename, join} from 'node:path';
import {createDirectory} from './data-directory.ts';
import {packFolder} from '../files/folder-archive.ts';
import {packageRoot} from '../files/package-root.ts';
import {templateFile} from './template.ts';

/** What builds, and the tests, keep from one run to the next, where builds do not clean. */
export const buildCache = join(packageRoot, 'node_modules', '.cache', 'agentmux');

/** The file that `templateFile` is a copy of; made when there is none: it takes seconds and changes only with the migrations. */
export async function keptTemplate(): Promise<string> {
	const kept = join(buildCache, basename(await templateFile()));
	if (existsSync(kept)) return kept;
	mkdirSync(buildCache, {recursive: true});
	const folder = mkdtempSync(join(buildCache, 'template-'));
	try {
		const directory = join(folder, 'pg');
		await createDirectory(directory);
		await packFolder(directory, join(folder, 'packed'));
		renameSync(join(folder, 'packed'), kept);
	} finally {
		rmSync(folder, {recursive: true, force: true});
	}
	return kept;
}
