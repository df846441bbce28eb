// Run by `npm run build` after the bundle: prepares the database that a first start copies.
import {constants, copyFileSync, mkdirSync} from 'node:fs';
import {dirname} from 'node:path';
import {keptTemplate} from './kept-template.ts';
import {templateFile} from './template.ts';

const file = await templateFile();
mkdirSync(dirname(file), {recursive: true});
copyFileSync(await keptTemplate(), file, constants.COPYFILE_FICLONE);
