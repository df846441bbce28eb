import {createHash} from 'node:crypto';
import type {Tag} from '../../mailbox/tag.ts';
import {credentialsFile, type Credentials} from './credentials-file.ts';
import {readText, type Edit} from './file-edit.ts';

/** Plans the credentials of a tag; null removes them. In a file of its own, because the hook reads credentials and writes none. */
export async function planCredentialsFile(data: string, tag: Tag, credentials: Credentials | null): Promise<Edit> {
	const file = credentialsFile(data, tag);
	const after = credentials === null ? null : `${JSON.stringify(credentials, null, '\t')}\n`;
	return {file, before: await readText(file), after, mode: 0o600, remarks: []};
}

/** With these folders only, and with what was chosen for them. */
export function withFolders(credentials: Credentials, folders: readonly string[]): Credentials {
	const kept = (list: readonly string[]): string[] => list.filter(each => folders.includes(each));
	return {...credentials, folders, no_sql: kept(credentials.no_sql), headless: kept(credentials.headless)};
}

/** By which join recognises a file that nobody has changed since. */
export function digest(text: string | null): string {
	return createHash('sha256')
		.update(text ?? '')
		.digest('hex');
}
