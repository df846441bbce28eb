import path from 'node:path';
import {expect, it} from 'vitest';
import {documents, documentWithKeys} from './keys.ts';

it.each(documents.map(document => ({name: path.basename(document.file.pathname), document})))(
	'prints the keys of the keymap in $name (npm run readme-keys writes them)',
	async ({document}) => {
		const {now, wanted} = await documentWithKeys(document);
		expect(now).toBe(wanted);
	},
);
