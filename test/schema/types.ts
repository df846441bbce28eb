/** `npm run types:database`: the types that the gateway uses are those of the migrations; with --write they are renewed. */
import {readFileSync, writeFileSync} from 'node:fs';
import {openPostgres} from '../helpers/migrated.ts';
import {generateTypes, installSupabaseCli} from '../helpers/supabase-cli.ts';
import {typesFile} from './types-file.ts';

try {
	installSupabaseCli();
} catch (error) {
	// As where conformance cannot install its peer: what cannot be had is said, and fails nothing.
	console.error(`The Supabase CLI cannot be installed, so nothing was compared. ${(error as Error).message}`);
	process.exit(process.argv.includes('--write') ? 1 : 0);
}
const database = await openPostgres();
const found = await generateTypes(database.connectionString);
await database.close();

if (process.argv.includes('--write')) {
	writeFileSync(typesFile, found);
} else if (readFileSync(typesFile, 'utf8') !== found) {
	console.error('The migrations make other types than source/gateway/link/database.types.ts has.');
	console.error('When that is meant, renew it: npm run types:database -- --write');
	process.exitCode = 1;
}
