import {expect, test} from 'vitest';
import {engines} from '../helpers/migrated.ts';
import {differences, dumpSchema} from './dump.ts';

test.each(engines)('on $engine the migrations make the schema that is written down', async ({open}) => {
	const database = await open();
	try {
		expect(differences(await dumpSchema(database))).toEqual([]);
	} finally {
		await database.close();
	}
});
