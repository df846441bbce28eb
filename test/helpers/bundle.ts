import {mkdir} from 'node:fs/promises';
import path from 'node:path';
import {build} from 'rolldown';
import configs from '../../rolldown.config.ts';
import {hashOf, programParts} from './contents.ts';
import {kept} from './prepared.ts';

/** Bundles one program of test/fixtures as the product is bundled (Node runs no .tsx), once for all who run it; resolves with the file to run. */
export async function bundle(fixture: string): Promise<string> {
	const key = hashOf([...programParts, 'test/fixtures', 'test/helpers']);
	// From here, it finds the packages that are not in the bundle.
	const folder = await kept(`fixture-${path.parse(fixture).name}`, [key], async dir => {
		const {output: _, ...options} = configs[0] as {output?: unknown; platform: 'node'};
		await mkdir(dir);
		await build({
			...options,
			input: {fixture: new URL(`../fixtures/${fixture}`, import.meta.url).pathname},
			output: {dir, format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs'},
		});
	});
	return path.join(folder, 'fixture.mjs');
}
