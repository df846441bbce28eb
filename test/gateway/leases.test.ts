import {expect, test} from 'vitest';
import {connectMailbox} from '../../source/gateway/connect.ts';
import {bootstrap, owner} from '../../source/hub/schema/bootstrap.ts';
import {migrate, readMigrations} from '../../source/hub/schema/migrations.ts';
import {createRest} from '../../source/hub/rest/rest.ts';
import {startServer} from '../../source/hub/process/server.ts';
import {signToken} from '../../source/hub/tokens/token.ts';
import {openInMemory} from '../helpers/prepared.ts';

// As on a hosted project: no hub looks after the leases.
test('a list of tasks shows a task whose lease ran out as queued, although nobody claims', async () => {
	const database = await openInMemory();
	await bootstrap(database);
	await migrate(database, await readMigrations());
	const server = await startServer(
		{
			jwtSecret: 'secret',
			routes: [{prefix: '/rest/v1', handle: createRest(database).handle}],
			upgrade: (_, socket) => socket.destroy(),
			health: () => ({}),
			log: () => undefined,
		},
		0,
	);
	const mailbox = connectMailbox({
		url: `http://127.0.0.1:${server.port}`,
		key: signToken('secret', {role: 'anon'}),
		token: signToken('secret', {role: 'authenticated', app_metadata: {agent_tag: 'A', kind: 'agent'}}),
	});
	try {
		const {id} = await mailbox.tasks.add({title: 'left behind'});
		await mailbox.tasks.claim({id});
		expect(await mailbox.tasks.list()).toMatchObject([{status: 'running', lease_owner: 'A'}]);
		await database.run(owner, [{text: `update tasks set lease_until = now() - interval '1 second'`}]);
		expect(await mailbox.tasks.list({status: ['running']})).toEqual([]);
		expect(await mailbox.tasks.list({status: ['queued']})).toMatchObject([
			{id, lease_owner: null, last_error: 'the lease of A ran out'},
		]);
	} finally {
		await mailbox.close();
		await server.close();
		await database.close();
	}
});
