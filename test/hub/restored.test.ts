import pg from 'pg';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {connectMailbox} from '../../source/gateway/connect.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import {hear} from '../helpers/hear.ts';
import {startTestHub, temporaryHome, type TestHub} from '../helpers/hub.ts';
import {startPostgres, type PostgresServer} from '../helpers/postgres.ts';

let old: PostgresServer;
let young: PostgresServer;
const mailboxes: Mailbox[] = [];

beforeAll(async () => {
	[old, young] = await Promise.all([startPostgres(), startPostgres()]);
});
afterAll(async () => {
	await Promise.all(mailboxes.map(mailbox => mailbox.close()));
	await Promise.all([old, young].map(server => server.stop()));
});

async function within<T>({connectionString}: PostgresServer, work: (client: pg.Client) => Promise<T>): Promise<T> {
	const client = new pg.Client({connectionString});
	await client.connect();
	try {
		return await work(client);
	} finally {
		await client.end();
	}
}

/** Every row of agentmux, as `pg_dump` writes them: past the triggers, with the numbers that they have. */
async function dumpAndRestore(from: PostgresServer, to: PostgresServer): Promise<void> {
	const tables = `select c.oid::regclass::text as name,
			(select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_attribute as a
				where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns
		from pg_class as c where c.relkind = 'r' and c.relnamespace in ('public'::regnamespace, 'agentmux'::regnamespace)`;
	await within(from, source =>
		within(to, async target => {
			const {rows} = await source.query<{name: string; columns: string | null}>(tables);
			const filled = rows.filter(({columns}) => columns !== null);
			await target.query(`set session_replication_role = replica; truncate ${filled.map(({name}) => name).join(', ')}`);
			for (const {name, columns} of filled) {
				const found = await source.query<{all: string | null}>(`select json_agg(t)::text as all from ${name} as t`);
				await target.query(
					`insert into ${name} (${columns}) overriding system value
						select ${columns} from json_populate_recordset(null::${name}, $1)`,
					[found.rows[0]?.all ?? '[]'],
				);
			}
			await target.query(`select setval('messages_id_seq', (select max(id) from messages))`);
		}),
	);
}

test('a database restored into a server with lower transaction numbers: followers and agents lose nothing and get nothing twice', async () => {
	await within(old, client =>
		client.query('do $$ begin for n in 1..20000 loop perform pg_current_xact_id(); commit; end loop; end $$'),
	);
	const home = temporaryHome();
	const on = ({connectionString}: PostgresServer): Promise<TestHub> =>
		startTestHub({home, env: {AGENTMUX_DATABASE_URL: connectionString}});
	let hub = await on(old);
	const open = (tag: string): Mailbox => {
		const mailbox = connectMailbox({url: hub.url, key: hub.anonKey, token: hub.tokenFor(tag)});
		mailboxes.push(mailbox);
		return mailbox;
	};
	const [writer, agent] = [open('WRITER'), open('CLAUDE_1')];
	await agent.touch({presence: 'working'});
	const heard = hear(open('READER'));
	await heard.live();
	const post = async (content: string): Promise<number> => (await writer.post({content})).id;
	const [acked, waits] = [await post('[WRITER] done @CLAUDE_1'), await post('[WRITER] waits @CLAUDE_1')];
	await agent.ack([acked], 'test');
	const third = await post('[WRITER] only heard');
	await heard.until(() => heard.messages.length === 3);

	// Rows written after the dump would be lost with the old server; here there are none.
	const scratch = await startTestHub({env: {AGENTMUX_DATABASE_URL: young.connectionString}});
	await scratch.stop();
	await hub.stop({keep: true});
	await dumpAndRestore(old, young);
	hub = await on(young);
	try {
		await heard.until(() => heard.replaced.length > 0);
		const later = [await post('[WRITER] later @CLAUDE_1'), await post('[WRITER] last')];
		await heard.until(() => heard.messages.length === 5);
		expect(heard.replaced).toMatchObject([{common: third, fresh: 0}]);
		expect(heard.messages.map(({id}) => id)).toEqual([acked, waits, third, ...later]);
		const taken = await agent.take({limit: 10, route: 'test'});
		expect(taken.map(({id}) => id)).toEqual([waits, third, ...later]);
		const cold = hear(open('COLD'), {epoch: '', xid: '0', id: 0});
		await cold.until(() => cold.messages.length === 5);
		expect(cold.messages.map(({id}) => id)).toEqual([acked, waits, third, ...later]);
		// A follower that begins now is behind all of them.
		const fresh = hear(open('FRESH'));
		await fresh.live();
		const newest = await post('[WRITER] newest');
		await fresh.until(() => fresh.messages.length > 0);
		expect(fresh.messages.map(({id}) => id)).toEqual([newest]);
		expect(fresh.cursors.at(0)?.id).toBe(later[1]);
	} finally {
		await hub.stop();
	}
});
