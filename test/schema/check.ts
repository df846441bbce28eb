/**
 * `npm run schema-check`: the schema that the migrations make is the one in supabase/schema.sql; with --write, that is renewed, and
 * new migrations get their digests.
 */
import {writeFileSync} from 'node:fs';
import {openPglite} from '../helpers/migrated.ts';
import {writeDigests} from './digests.ts';
import {differences, dumpSchema, schemaFile} from './dump.ts';

const database = await openPglite();
const found = await dumpSchema(database);
await database.close();

if (process.argv.includes('--write')) {
	writeFileSync(schemaFile, found);
	writeDigests();
} else {
	const differing = differences(found);
	if (differing.length > 0) {
		console.error('The migrations make another schema than supabase/schema.sql says:');
		console.error(differing.join('\n'));
		console.error('When that is meant, renew it: npm run schema-check -- --write');
		process.exitCode = 1;
	}
}
