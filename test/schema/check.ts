/** `npm run schema-check`: the schema that the migrations make is the one in schema.txt; with --write, schema.txt is renewed. */
import {readFileSync, writeFileSync} from 'node:fs';
import {openPglite} from '../helpers/migrated.ts';
import {dumpSchema} from './dump.ts';

const file = new URL('schema.txt', import.meta.url);
const database = await openPglite();
const found = await dumpSchema(database);
await database.close();

if (process.argv.includes('--write')) {
	writeFileSync(file, found);
} else {
	const committed = readFileSync(file, 'utf8');
	const differing = [
		...without(committed, found).map(line => `- ${line}`),
		...without(found, committed).map(line => `+ ${line}`),
	];
	if (differing.length > 0 || committed !== found) {
		console.error('The migrations make another schema than test/schema/schema.txt says:');
		console.error(differing.join('\n'));
		console.error('When that is meant, renew it: npm run schema-check -- --write');
		process.exitCode = 1;
	}
}

function without(text: string, other: string): string[] {
	const lines = new Set(other.split('\n'));
	return text.split('\n').filter(line => !lines.has(line));
}
