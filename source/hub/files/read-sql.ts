import {readFileSync} from 'node:fs';

/**
 * SQL that is in a file beside the module that reads it; the URL is made there, of the file's name and `import.meta.url`. A bundle
 * has the text instead of the call: see rolldown.config.ts.
 */
export function readSql(file: URL): string {
	return readFileSync(file, 'utf8');
}
