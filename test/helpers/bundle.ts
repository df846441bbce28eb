import {mkdir, mkdtemp} from 'node:fs/promises';
import path from 'node:path';
import {build} from 'rolldown';
import configs from '../../rolldown.config.ts';

/** Bundles one program of test/fixtures as the product is bundled (Node runs no .tsx); resolves with the file to run, in a folder of its own. */
export async function bundle(fixture: string): Promise<string> {
	// Where it finds what the bundle leaves out.
	const cache = path.resolve(import.meta.dirname, '../../node_modules/.cache/agentmux');
	await mkdir(cache, {recursive: true});
	const dir = await mkdtemp(path.join(cache, 'fixture-'));
	const {output: _, ...options} = configs[0] as {output?: unknown; platform: 'node'};
	await build({
		...options,
		input: {fixture: new URL(`../fixtures/${fixture}`, import.meta.url).pathname},
		output: {dir, format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs'},
	});
	return path.join(dir, 'fixture.mjs');
}
