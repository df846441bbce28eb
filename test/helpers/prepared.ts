import {PGlite} from '@electric-sql/pglite';
import {createHash} from 'node:crypto';
import {
	chmodSync,
	cpSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {unpackFolder} from '../../source/hub/files/folder-archive.ts';
import {PgliteDatabase} from '../../source/hub/pglite/pglite.ts';
import {buildCache, keptTemplate} from '../../source/hub/pglite/kept-template.ts';

/**
 * The files of a new PGlite in which that SQL has run. PostgreSQL in WASM takes seconds to initialise, so they are made once
 * and kept.
 */
export async function preparedFiles(name: string, sql: readonly string[] = []): Promise<Blob> {
	const {version} = JSON.parse(
		readFileSync(new URL('../../node_modules/@electric-sql/pglite/package.json', import.meta.url), 'utf8'),
	) as {version: string};
	const file = await kept(`pglite-${name}`, [version, ...sql], async target => {
		const pglite = await (sql.length === 0
			? PGlite.create({initDbStartParams: ['--wal-segsize=1']})
			: PGlite.create({loadDataDir: await preparedFiles('empty')}));
		for (const script of sql) await pglite.exec(script);
		await pglite.exec('checkpoint');
		const files = await pglite.dumpDataDir('none');
		await pglite.close();
		writeFileSync(target, new Uint8Array(await files.arrayBuffer()));
	});
	return new Blob([readFileSync(file)]);
}

/** The Database port on an empty PGlite in memory. */
export async function openInMemory(): Promise<PgliteDatabase> {
	return PgliteDatabase.open({files: await preparedFiles('empty')});
}

/** A data directory as a hub's first start makes it. To copy the files takes a twentieth of the time that unpacking them does. */
export async function newDirectory(directory: string): Promise<void> {
	const template = await keptTemplate();
	const files = await kept('directory', [template], target => unpackFolder(template, target));
	cpSync(files, directory, {recursive: true});
	for (const folder of [
		directory,
		...readdirSync(directory, {recursive: true, withFileTypes: true})
			.filter(entry => entry.isDirectory())
			.map(entry => join(entry.parentPath, entry.name)),
	])
		chmodSync(folder, 0o700);
}

/** What the first start of a hub leaves in a new home, so that the next one need not do it. */
export async function startedBefore(home: string): Promise<void> {
	const data = join(home, 'data');
	mkdirSync(data, {mode: 0o700});
	await newDirectory(join(data, 'pg'));
}

/** What `make` writes for this key, created once for all test files and runs. An older version with another key is removed. */
export async function kept(
	name: string,
	key: readonly string[],
	make: (target: string) => Promise<void> | void,
): Promise<string> {
	const hash = createHash('sha256').update(key.join('\0')).digest('hex').slice(0, 16);
	const path = join(buildCache, `${name}-${hash}`);
	if (existsSync(path)) return path;
	mkdirSync(buildCache, {recursive: true});
	const folder = mkdtempSync(join(buildCache, 'making-'));
	try {
		await make(join(folder, name));
		const stale = readdirSync(buildCache).filter(other => other.startsWith(`${name}-`) && !path.endsWith(other));
		renameSync(join(folder, name), path);
		for (const other of stale) rmSync(join(buildCache, other), {recursive: true, force: true});
	} catch (error) {
		// Another test file was faster.
		if (!existsSync(path)) throw error;
	} finally {
		rmSync(folder, {recursive: true, force: true});
	}
	return path;
}
