import {cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Change {
	readonly version?: string;
	/** A migration that is newer than all others. */
	readonly migration?: string;
}

/** Puts the built package into a folder of its own, as `npm install` does, or in the place of the one that is there. */
export function installPackage(folder: string, {version, migration}: Change = {}): string {
	mkdirSync(folder, {recursive: true});
	for (const part of ['dist', 'supabase', 'recipes']) {
		rmSync(join(folder, part), {recursive: true, force: true});
		cpSync(join(root, part), join(folder, part), {recursive: true});
	}
	const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {version: string};
	writeFileSync(join(folder, 'package.json'), JSON.stringify({...manifest, version: version ?? manifest.version}));
	rmSync(join(folder, 'node_modules'), {force: true});
	symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
	if (migration !== undefined) writeFileSync(join(folder, 'supabase/migrations/99990101000000_later.sql'), migration);
	return join(folder, 'dist/cli.js');
}
