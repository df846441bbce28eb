import {expect, test} from 'vitest';
import type {Database} from '../../source/hub/database/database.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import {connectMailbox} from '../../source/gateway/connect.ts';
import {bootstrap, owner} from '../../source/hub/schema/bootstrap.ts';
import {migrate, readMigrations} from '../../source/hub/schema/migrations.ts';
import {createRest} from '../../source/hub/rest/rest.ts';
import {startServer} from '../../source/hub/process/server.ts';
import {signToken} from '../../source/hub/tokens/token.ts';
import {openInMemory} from '../helpers/prepared.ts';

/** As on a hosted project: no hub looks after the tasks. */
async function withoutHub(work: (database: Database, open: (tag: string) => Mailbox) => Promise<void>): Promise<void> {
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
	const mailboxes: Mailbox[] = [];
	const open = (tag: string): Mailbox => {
		const mailbox = connectMailbox({
			url: `http://127.0.0.1:${server.port}`,
			key: signToken('secret', {role: 'anon'}),
			token: signToken('secret', {role: 'authenticated', app_metadata: {agent_tag: tag, kind: 'agent'}}),
		});
		mailboxes.push(mailbox);
		return mailbox;
	};
	try {
		await work(database, open);
	} finally {
		for (const mailbox of mailboxes) await mailbox.close();
		await server.close();
		await database.close();
	}
}

test('a list of tasks shows a task whose lease ran out as queued, although nobody claims', () =>
	withoutHub(async (database, open) => {
		const mailbox = open('A');
		const {id} = await mailbox.tasks.add({title: 'left behind'});
		await mailbox.tasks.claim({id});
		expect(await mailbox.tasks.list()).toMatchObject([{status: 'running', lease_owner: 'A'}]);
		await database.run(owner, [{text: `update tasks set lease_until = now() - interval '1 second'`}]);
		expect(await mailbox.tasks.list({status: ['running']})).toEqual([]);
		expect(await mailbox.tasks.list({status: ['queued']})).toMatchObject([
			{id, lease_owner: null, last_error: 'the lease of A ran out'},
		]);
	}));

test("without a hub, an agent's server has ready tasks offered to whoever is idle", () =>
	withoutHub(async (database, open) => {
		const [planner, executor] = [open('PLANNER'), open('EXECUTOR')];
		await executor.touch({presence: 'idle', session: 's', wake: 'bell'});
		const {id} = await planner.tasks.add({title: 'build', assignee: 'executor'});
		const wait = `alter table tasks disable trigger user;
			update tasks set updated_at = now() - interval '5 seconds';
			alter table tasks enable trigger user;
			update agentmux.offer_clock set at = '-infinity'`;
		await database.script(owner, wait);
		await planner.tasks.tend();
		expect(await executor.wake('s')).toMatchObject([{tag: 'SYSTEM', author_kind: 'system'}]);
		expect((await executor.inbox('EXECUTOR')).map(({body}) => body)).toEqual([
			`@EXECUTOR Task #${id} is ready for you: claim_task with id ${id}.`,
		]);
		await executor.tasks.claim();
		expect(await executor.inbox('EXECUTOR')).toEqual([]);
	}));
