import {mkdtempSync, rmSync} from 'node:fs';
import path from 'node:path';
import {build} from 'rolldown';
import {endAtExit} from '../measure.ts';

/** The peers as one file each, bundled as the program is, so that none pays for being unbundled. */
export async function withPeers<T>(work: (peers: {bare: string; ink: string}) => Promise<T>): Promise<T> {
	const root = path.resolve(import.meta.dirname, '../..');
	// Within the package: the store's way to the hub looks for it above itself.
	const folder = mkdtempSync(path.join(root, 'node_modules/.agentmux-peers-'));
	const remove = (): void => rmSync(folder, {recursive: true, force: true});
	const isRemoved = endAtExit(remove);
	try {
		await build({
			cwd: root,
			input: {bare: 'bench/tui/bare.ts', ink: 'bench/tui/ink.tsx'},
			platform: 'node',
			external: /^@electric-sql\/pglite/,
			resolve: {alias: {'react-devtools-core': path.join(root, 'source/tui/screen/no-devtools.ts')}},
			transform: {define: {'process.env.NODE_ENV': '"production"'}},
			output: {
				dir: folder,
				format: 'esm',
				minify: true,
				entryFileNames: '[name].mjs',
				chunkFileNames: '[name]-[hash].mjs',
			},
			logLevel: 'silent',
		});
		return await work({bare: path.join(folder, 'bare.mjs'), ink: path.join(folder, 'ink.mjs')});
	} finally {
		remove();
		isRemoved();
	}
}
