import {readFileSync} from 'node:fs';
import {isBuiltin} from 'node:module';
import {dirname, join} from 'node:path';
import {defineConfig, type Plugin} from 'rolldown';

const {dependencies} = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as {
	dependencies: Record<string, string>;
};

// Loaded from node_modules: PGlite finds its WASM beside its own module, and the stock MCP server is run as it is, with its own library.
const external = ['@electric-sql/pglite', '@modelcontextprotocol/server', '@supabase/mcp-server-supabase'].filter(
	name => name in dependencies,
);

/** SQL that is in files of its own is in the bundle as text: see source/hub/files/read-sql.ts. */
const sqlFiles: Plugin = {
	name: 'sql-files',
	transform: {
		filter: {id: /source\/hub\/.*\.ts$/},
		handler(code, id) {
			return code.replaceAll(/readSql\(new URL\('([\w/-]+\.sql)', import\.meta\.url\)\)/g, (_, name: string) => {
				const file = join(dirname(id), name);
				this.addWatchFile(file);
				return JSON.stringify(readFileSync(file, 'utf8'));
			});
		},
	},
};

/**
 * An `import` from a module of Node's evaluates all that it exports: all of streams, readline and promises for a single function of
 * node:fs, and undici for node:http. That takes as long as an empty process, at every start. Asking for the module itself costs nothing.
 */
const nodeModules: Plugin = {
	name: 'node-modules',
	renderChunk: code =>
		code.replaceAll(
			/^import (?:([\w$]+)|(?:([\w$]+), )?(?:\* as ([\w$]+)|\{([^}]*)\})) from "(?:node:)?(\w+(?:\/\w+)?)";$/gm,
			(whole, ...found: (string | undefined)[]) => {
				const [only, first, all, names, name = ''] = found;
				if (!isBuiltin(name)) return whole;
				const module = `process.getBuiltinModule("node:${name}")`;
				const wholes = [only, first, all].filter(each => each !== undefined);
				const parts = names === undefined ? [] : [`{${names.replaceAll(' as ', ': ').replaceAll('"', '')}}`];
				return [...wholes, ...parts].map(target => `const ${target} = ${module};`).join(' ');
			},
		),
};

/** Modules of Node's that take milliseconds to load, of which our own code uses functions alone, and many commands not one. */
const lateModules = new Set(['node:crypto', 'node:timers/promises', 'node:fs/promises']);

/** They are loaded at the first call. */
const lateFunctions: Plugin = {
	name: 'late-functions',
	transform: {
		filter: {id: /\/source\/.*\.tsx?$/},
		handler: code =>
			code.replaceAll(/^import \{([^}]*)\} from '(node:[\w/]+)';$/gm, (whole, names: string, module: string) => {
				const each = names.split(',').map(name => name.trim());
				const values = each.filter(name => name !== '' && !name.startsWith('type '));
				if (!lateModules.has(module) || values.some(name => name.startsWith('constants'))) return whole;
				const functions = values.map(name => {
					const [imported = '', local = imported] = name.split(' as ');
					return `const ${local} = (...given) => process.getBuiltinModule('${module}').${imported}(...given);`;
				});
				return functions.join(' ');
			}),
	},
};

/**
 * A dynamically imported module that shares a chunk with others gets a file of its own, which only re-exports from that chunk.
 * Importing the chunk itself saves finding and reading that file.
 */
const noFacades: Plugin = {
	name: 'no-facades',
	generateBundle(_, bundle) {
		const chunks = Object.values(bundle).filter(each => each.type === 'chunk');
		for (const {fileName, code, isEntry} of chunks) {
			const [, names = '', target] = /^export\{([^}]*)\}from"(\.\/[\w.-]+)";\s*$/.exec(code) ?? [];
			if (target === undefined || isEntry) continue;
			const fields = names.split(',').map(name => {
				const [own = '', outside = own] = name.split(' as ');
				return `${outside}:e.${own}`;
			});
			for (const each of chunks) {
				each.code = each.code.replaceAll(
					`import(\`./${fileName}\`)`,
					() => `import(\`${target}\`).then(e=>({${fields.join()}}))`,
				);
				if (each.fileName !== fileName && each.code.includes(fileName))
					throw new Error(`${each.fileName} imports ${fileName} in another way`);
			}
			delete bundle[fileName];
		}
	},
};

/** What most commands load is one file instead of dozens, each of which takes almost a millisecond to find, read and link. */
const groups = [
	{name: 'common', test: /commands.main\.ts$|hub.files.version\.ts$|gateway.link.plain-client\.ts$/, priority: 1},
	{name: 'common', test: /[\\/]source[\\/]/, minShareCount: 12},
];

const width = new URL('source/tui/screen/string-width.ts', import.meta.url).pathname;

/** The program. */
const program = defineConfig({
	input: {cli: 'source/cli.ts', 'pglite-worker': 'source/hub/pglite/pglite-worker.ts'},
	platform: 'node',
	plugins: [sqlFiles, lateFunctions, nodeModules, noFacades],
	external: id => external.some(name => id === name || id.startsWith(`${name}/`)),
	// Ink imports its devtools bridge when DEV is set; a bundle would look for it at every start. string-width: see there.
	resolve: {
		alias: {
			'react-devtools-core': new URL('source/tui/screen/no-devtools.ts', import.meta.url).pathname,
			'string-width': width,
			// Its main module is UMD, which cannot be bundled.
			'jsonc-parser': new URL('node_modules/jsonc-parser/lib/esm/main.js', import.meta.url).pathname,
		},
	},
	transform: {define: {'process.env.NODE_ENV': '"production"'}},
	output: {
		dir: 'dist',
		format: 'esm',
		minify: true,
		cleanDir: true,
		chunkFileNames: '[name]-[hash].js',
		codeSplitting: {groups},
	},
});

/**
 * What an agent's client starts at every step, or change of its screen: one file of CommonJS is loaded 4 ms faster than modules. What
 * a hook needs only for mail is in a second file, which it loads when there is mail.
 */
const quick = (input: string, name: string) =>
	defineConfig({
		input,
		platform: 'node',
		plugins: [
			lateFunctions,
			{
				// It imports Node's modules by their defaults, for which a bundle copies them property by property: 0.3 ms.
				name: 'env-paths',
				transform: {
					filter: {id: /env-paths/},
					handler: code =>
						code.replaceAll(
							/^import (\w+) from ('node:\w+');/gm,
							'const $1 = globalThis.process.getBuiltinModule($2);',
						),
				},
			},
		],
		output: {
			dir: 'dist',
			format: 'cjs',
			minify: true,
			entryFileNames: `${name}.cjs`,
			chunkFileNames: `${name}-[name]-[hash].cjs`,
		},
	});

export default [
	program,
	quick('source/commands/serve/run-hook.ts', 'hook'),
	quick('source/commands/serve/run-statusline.ts', 'statusline'),
];
