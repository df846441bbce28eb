import {readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {engines} from '../helpers/migrated.ts';
import {dumpSchema} from './dump.ts';

test.each(engines)('on $engine the migrations create the schema that is in schema.sql', async ({open}) => {
	const database = await open();
	try {
		expect(await dumpSchema(database)).toBe(readFileSync(new URL('schema.txt', import.meta.url), 'utf8'));
	} finally {
		await database.close();
	}
});
