import {readFileSync} from 'node:fs';

/** SQL that is in a file beside a module: `readSql(new URL('NAME.sql', import.meta.url))`. A bundle has the text itself instead. */
export function readSql(file: URL): string {
	return readFileSync(file, 'utf8');
}
