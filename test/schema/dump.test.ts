import {expect, test} from 'vitest';
import {engines} from '../helpers/migrated.ts';
import {presentDigests, writtenDigests} from './digests.ts';
import {differences, dumpSchema} from './dump.ts';

test.each(engines)('on $engine the migrations create the schema that is in schema.sql', async ({open}) => {
	const database = await open();
	try {
		expect(differences(await dumpSchema(database))).toEqual([]);
	} finally {
		await database.close();
	}
});

test('no migration changes once it was released', () => {
	expect(Object.fromEntries(presentDigests())).toEqual(Object.fromEntries(writtenDigests()));
});
