import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, beforeAll, expect, test} from 'vitest';
import type {Message} from '../../source/mailbox/message.ts';
import {startTestHub, type TestHub} from '../helpers/hub.ts';
import {cli, Home} from '../helpers/program.ts';

let hub: TestHub;
let home: Home;
beforeAll(async () => {
	hub = await startTestHub({cli});
	home = Home.at(hub.home);
});
afterAll(() => hub.stop());

/** The messages to RESPONDER, once there are that many. It reads the database only, because a follower would send them. */
async function told(count: number): Promise<string[]> {
	for (;;) {
		const rows = await home.json<Pick<Message, 'body'>[]>(['sql', 'select body from messages order by id']);
		if (rows.length >= count) return rows.map(({body}) => body);
		await sleep(200);
	}
}

test('the hub sends what waits, and says that a table is no more, although nobody follows the mailbox', async () => {
	await home.output(['sql', 'create table orders (id int); grant select on orders to authenticated']);
	await home.output(['watch', 'orders', '--to', 'RESPONDER', '--window', '0.5']);
	await home.output(['sql', 'insert into orders values (1)']);
	await told(1);
	// As if the first one had just been sent, however slow this machine is.
	await home.output(['sql', `update agentmux.watches set due_at = clock_timestamp() + pause`]);
	await home.output(['sql', 'insert into orders values (2)']);
	await told(2);
	await home.output(['sql', 'drop table orders']);
	expect(await told(3)).toEqual([
		expect.stringMatching(/^orders INSERT by the role \w+ \{"id": 1\} @RESPONDER$/),
		expect.stringMatching(/^orders INSERT by the role \w+ \{"id": 2\} @RESPONDER$/),
		'orders was dropped: this watch has ended. @RESPONDER',
	]);
});
