import {existsSync, mkdirSync, mkdtempSync, renameSync, rmSync} from 'node:fs';
import {basename, join} from 'node:path';
import {createDirectory} from './data-directory.ts';
import {packFolder} from '../files/folder-archive.ts';
import {packageRoot} from '../files/package-root.ts';
import {templateFile} from './template.ts';

/** A cache for builds and tests, outside the folder that builds clean. */
export const buildCache = join(packageRoot, 'node_modules', '.cache', 'agentmux');

/** The cached original of `templateFile`, created if missing. That takes seconds, and is only needed when migrations change. */
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
