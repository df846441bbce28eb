// Run by `npm run build`, after the bundle: prepares what a first start only has to copy.
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {createDirectory} from './data-directory.ts';
import {packFolder} from './folder-archive.ts';
import {templateFile} from './template.ts';

const folder = mkdtempSync(join(tmpdir(), 'agentmux-template-'));
try {
	const directory = join(folder, 'pg');
	await createDirectory(directory);
	const file = await templateFile();
	mkdirSync(dirname(file), {recursive: true});
	writeFileSync(file, await packFolder(directory));
} finally {
	rmSync(folder, {recursive: true, force: true});
}
