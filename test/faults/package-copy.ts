import {
	cpSync,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Change {
	readonly version?: string;
	/** A migration that is newer than all others. */
	readonly migration?: string;
	/** The modules have other names than before, as those of another version do: they are named by their contents. */
	readonly renamed?: boolean;
}

/**
 * Puts the built package into a folder of its own, or in the place of the one that is there, as `npm install` does: each of its
 * parts is exchanged at once. Returns the program.
 */
export function installPackage(folder: string, {version, migration, renamed = false}: Change = {}): string {
	mkdirSync(folder, {recursive: true});
	const parts = join(folder, 'new');
	for (const part of ['dist', 'supabase', 'recipes']) cpSync(join(root, part), join(parts, part), {recursive: true});
	if (renamed) renameModules(join(parts, 'dist'));
	const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {version: string};
	writeFileSync(join(parts, 'package.json'), JSON.stringify({...manifest, version: version ?? manifest.version}));
	if (migration !== undefined) {
		const record = `insert into agentmux.migrations (version) values ('99990101000000');`;
		writeFileSync(join(parts, 'supabase/migrations/99990101000000_later.sql'), `${migration}\n${record}`);
	}
	if (!existsSync(join(folder, 'node_modules'))) symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
	for (const part of readdirSync(parts)) {
		if (existsSync(join(folder, part))) renameSync(join(folder, part), join(folder, `${part}.old`));
		renameSync(join(parts, part), join(folder, part));
		rmSync(join(folder, `${part}.old`), {recursive: true, force: true});
	}
	rmSync(parts, {recursive: true});
	return join(folder, 'dist/cli.js');
}

let times = 0;

function renameModules(dist: string): void {
	times += 1;
	const files = readdirSync(dist).filter(name => name.endsWith('.js'));
	const modules = files.filter(name => /-[\w-]{8}\.js$/.test(name));
	const renamed = (text: string): string =>
		modules.reduce((changed, name) => changed.replaceAll(name, name.replace(/\.js$/, `${times}.js`)), text);
	for (const name of files) {
		const text = readFileSync(join(dist, name), 'utf8');
		rmSync(join(dist, name));
		writeFileSync(join(dist, renamed(name)), renamed(text));
	}
}
