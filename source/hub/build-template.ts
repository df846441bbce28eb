// Run by `npm run build`, after the bundle: prepares what a first start only has to copy. It takes seconds and changes only
// with the migrations, so it is kept where builds do not clean.
import {constants, copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync} from 'node:fs';
import {basename, dirname, join} from 'node:path';
import {createDirectory} from './data-directory.ts';
import {packFolder} from './folder-archive.ts';
import {packageRoot} from './package-root.ts';
import {templateFile} from './template.ts';

const file = await templateFile();
const cache = join(packageRoot, 'node_modules', '.cache', 'agentmux');
const kept = join(cache, basename(file));
if (!existsSync(kept)) {
	mkdirSync(cache, {recursive: true});
	const folder = mkdtempSync(join(cache, 'template-'));
	try {
		const directory = join(folder, 'pg');
		await createDirectory(directory);
		await packFolder(directory, join(folder, 'packed'));
		renameSync(join(folder, 'packed'), kept);
	} finally {
		rmSync(folder, {recursive: true, force: true});
	}
}
mkdirSync(dirname(file), {recursive: true});
copyFileSync(kept, file, constants.COPYFILE_FICLONE);
