import {join} from 'node:path';
import {owner} from '../schema/bootstrap.ts';
import type {Database} from '../database/database.ts';
import type {HubPaths} from '../files/paths.ts';
import {readJsonFile, writePrivateFile} from '../files/private-file.ts';
import {readSql} from '../files/read-sql.ts';

/** The content of data/ended-tokens.json. */
export interface Remembered {
	/** By tag in upper case. */
	readonly generations: {readonly [tag: string]: number};
	readonly tokens: readonly string[];
}

function endedFile({data}: HubPaths): string {
	return join(data, 'ended-tokens.json');
}

/** Kept next to the keys that signed them, because the database may be replaced by an older copy. Throws HubError. */
export function rememberEnded(paths: HubPaths, ended: Remembered): void {
	const text = `${JSON.stringify(ended)}\n`;
	writePrivateFile(endedFile(paths), text);
}

const endGenerations = readSql(new URL('generations.sql', import.meta.url));

/** Ends in the database all tokens that the file lists. Rejects like the database, or with HubError. */
export async function endRemembered(paths: HubPaths, database: Database): Promise<void> {
	const known = readJsonFile(endedFile(paths));
	if (known === null) return;
	const {generations = {}, tokens = []} = known;
	await database.run(owner, [
		{
			text: endGenerations,
			values: [JSON.stringify(generations)],
		},
		{
			text: `insert into agentmux.ended_tokens (jti) select e.value from json_array_elements_text($1::json) as e on conflict do nothing`,
			values: [JSON.stringify(tokens)],
		},
	]);
}
