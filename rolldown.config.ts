import {readFileSync} from 'node:fs';
import {defineConfig} from 'rolldown';

const {dependencies} = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as {
	dependencies: Record<string, string>;
};

// Loaded from node_modules: PGlite finds its WASM beside its own module, and the stock MCP server is run as it is.
const external = ['@electric-sql/pglite', '@supabase/mcp-server-supabase'].filter(name => name in dependencies);

const width = new URL('source/tui/screen/string-width.ts', import.meta.url).pathname;

export default defineConfig({
	input: {cli: 'source/cli.ts', 'pglite-worker': 'source/hub/pglite-worker.ts'},
	platform: 'node',
	external: id => external.some(name => id === name || id.startsWith(`${name}/`)),
	// Ink imports its devtools bridge when DEV is set; a bundle would look for it at every start. string-width: see there.
	resolve: {
		alias: {
			'react-devtools-core': new URL('source/tui/no-devtools.ts', import.meta.url).pathname,
			'string-width': width,
		},
	},
	transform: {define: {'process.env.NODE_ENV': '"production"'}},
	output: {dir: 'dist', format: 'esm', minify: true, cleanDir: true, chunkFileNames: '[name]-[hash].js'},
});
