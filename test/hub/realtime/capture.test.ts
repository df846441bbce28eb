import {afterEach, afterAll, beforeAll, beforeEach, expect, test} from 'vitest';
import {owner} from '../../../source/hub/schema/bootstrap.ts';
import type {Database} from '../../../source/hub/database/database.ts';
import {readSql} from '../../../source/hub/files/read-sql.ts';
import {RawClient, type Data} from './raw-client.ts';
import {openDatabase, soon, startRig, until, type Rig} from './rig.ts';

let database: Database;
let rig: Rig;
let client: RawClient;

beforeAll(async () => {
	database = await openDatabase();
});

afterAll(() => database.close());

beforeEach(async () => {
	await database.script(
		owner,
		`create table things (id int primary key, body text);
		grant all on things to anon, authenticated, service_role;
		alter publication supabase_realtime add table things;`,
	);
	rig = await startRig({}, database);
	client = await RawClient.open(rig, rig.token({role: 'anon', exp: soon()}));
	await client.join('all', [{event: '*', schema: 'public'}]);
});

afterEach(async () => {
	await rig.sql('drop table things cascade');
	rig.checkFaults();
	await rig.stop();
});

/** Changes so far, once the last one has come. */
async function changes(count: number): Promise<Data[]> {
	await until(
		() => client.changes.length >= count,
		() => JSON.stringify(client.changes).slice(0, 1000),
	);
	return client.changes;
}

test('a row that is too large for a notice arrives whole and in order', async () => {
	await rig.sql(`insert into things values (1, 'small'), (2, repeat('é', 100000)), (3, 'small')`);
	expect((await changes(3)).map(({record}) => [record?.['id'], String(record?.['body']).length])).toEqual([
		[1, 5],
		[2, 100_000],
		[3, 5],
	]);
});

test('for a large row that was deleted before it could be read, only the DELETE is delivered', async () => {
	await rig.sql(`insert into things values (1, repeat('é', 100000)); delete from things where id = 1`);
	expect(await changes(1)).toMatchObject([{type: 'DELETE', old_record: {id: 1}}]);
});

test('ten thousand rows of one transaction come in order', async () => {
	await rig.sql(`insert into things select n, repeat('x', 1000) from generate_series(1, 10000) n`);
	const seen = await changes(10_000);
	expect(seen.every(({record}, index) => record?.['id'] === index + 1)).toBe(true);
});

test('equal changes of one transaction come as often as they happened', async () => {
	await rig.sql(
		`insert into things values (1, 'a'); begin; update things set body = body; update things set body = body; commit;`,
	);
	expect((await changes(3)).map(({type}) => type)).toEqual(['INSERT', 'UPDATE', 'UPDATE']);
});

test('changes that are rolled back are not delivered, also to a savepoint', async () => {
	await rig.sql(`begin; insert into things values (1); rollback;
		begin; insert into things values (2); savepoint s; insert into things values (3); rollback to s; commit;`);
	expect((await changes(1)).map(({record}) => record?.['id'])).toEqual([2]);
});

test('a table is captured from the moment it is published until it is not', async () => {
	await rig.sql(`create table later (id int primary key); grant all on later to anon; insert into later values (1)`);
	await rig.sql(`alter publication supabase_realtime add table later; insert into later values (2)`);
	await changes(1);
	await rig.sql(`alter publication supabase_realtime drop table later; insert into later values (3)`);
	await rig.sql(`alter publication supabase_realtime add table later; insert into later values (4)`);
	expect((await changes(2)).map(({record}) => record?.['id'])).toEqual([2, 4]);
	await rig.sql(`drop table later; insert into things values (5)`);
	expect((await changes(3)).at(-1)).toMatchObject({table: 'things', record: {id: 5}});
});

test('renamed columns and another key are known at once', async () => {
	await rig.sql(`insert into things values (1, 'a')`);
	await changes(1);
	await rig.sql(`alter table things rename column id to number; update things set body = 'b'`);
	await rig.sql(`alter table things drop constraint things_pkey, add primary key (body); update things set number = 2`);
	expect((await changes(3)).slice(1)).toMatchObject([
		{record: {number: 1, body: 'b'}, old_record: {number: 1}},
		{record: {number: 2, body: 'b'}, old_record: {body: 'b'}},
	]);
});

test('revoked rights take effect with the next change', async () => {
	await rig.sql(`insert into things values (1, 'open')`);
	await rig.sql(`revoke select on things from anon; insert into things values (2, 'secret')`);
	const seen = await changes(2);
	expect(seen[1]).toMatchObject({record: {}, errors: ['Error 401: Unauthorized']});
});

test('a policy that fails for one subscriber hides rows from no one else', async () => {
	await rig.sql(`alter table things enable row level security;
		create policy brittle on things for select to anon, authenticated using (body = auth.jwt() ->> 'likes' and 1 / length(body) >= 0)`);
	const token = rig.token({role: 'authenticated', likes: '', exp: soon()});
	const other = await RawClient.open(rig, token);
	await other.join('other', [{event: '*', schema: 'public', table: 'things'}]);
	const admin = await RawClient.open(rig, rig.token({role: 'service_role', exp: soon()}));
	await admin.join('admin', [{event: '*', schema: 'public', table: 'things'}]);
	await rig.sql(`insert into things values (1, '')`);
	await until(() => admin.changes.length === 1);
	await other.heartbeat();
	expect([other.changes, client.changes]).toEqual([[], []]);
});

test('a write without any right to realtime is captured, and never fails for it', async () => {
	await rig.sql(`create role stranger; grant insert on things to stranger;
		alter function realtime.spend(int) rename to spend_less`);
	const write = (id: number): Promise<unknown> =>
		database.run({role: 'stranger', claims: {}}, [{text: 'insert into things values ($1)', values: [id]}]);
	await write(1);
	await rig.sql(`alter function realtime.spend_less(int) rename to spend`);
	await write(2);
	expect((await changes(1)).map(({record}) => record?.['id'])).toEqual([2]);
	await rig.sql(`drop owned by stranger; drop role stranger`);
});

test('the schema may be installed again and again', async () => {
	await rig.sql(readSql(new URL('../../../source/hub/schema/realtime.sql', import.meta.url)));
	await rig.sql(`insert into things values (1)`);
	expect(await changes(1)).toHaveLength(1);
});

test('realtime.send reaches a topic, large messages too', async () => {
	await client.join('news');
	await rig.sql(
		`select realtime.send(jsonb_build_object('n', 1, 'text', repeat('x', n)), 'big', 'news', false) from unnest(array[5, 20000]) n`,
	);
	await until(() => client.frames.filter(frame => frame[3] === 'broadcast').length === 2);
	const texts = client.frames.filter(frame => frame[3] === 'broadcast').map(frame => frame[4]['payload']);
	expect(texts).toMatchObject([
		{n: 1, text: 'xxxxx'},
		{n: 1, text: 'x'.repeat(20_000)},
	]);
});

test('a policy that looks at no row lets in whoever passes it now', async () => {
	await rig.sql(`create schema hidden; create table hidden.guests (name text);
		create function hidden.invited() returns boolean language sql stable security definer set search_path = ''
			return exists (select from hidden.guests where name = auth.jwt() ->> 'name');
		alter table things enable row level security;
		create policy invited on things for select to authenticated using ((select hidden.invited()));
		create policy never on things as restrictive for select to authenticated using (auth.jwt() ->> 'name' <> 'mallory');
		insert into hidden.guests values ('ann'), ('mallory')`);
	const [ann, bob, mallory, admin] = await Promise.all([
		subscribe('ann'),
		subscribe('bob'),
		subscribe('mallory'),
		subscribe(null),
	]);
	await rig.sql(`insert into things values (1)`);
	await until(() => admin.changes.length === 1);
	await rig.sql(`update hidden.guests set name = 'bob' where name = 'ann'`);
	await rig.sql(`insert into things values (2), (3); delete from things where id = 3`);
	await until(() => admin.changes.length === 4);
	await Promise.all([ann, bob, mallory, client].map(each => each.heartbeat()));
	expect([ann, bob, mallory, client].map(idsOf)).toEqual([
		['INSERT 1', 'DELETE 3'],
		['INSERT 2', 'INSERT 3', 'DELETE 3'],
		['DELETE 3'],
		['DELETE 3'],
	]);
	await rig.sql(`revoke execute on function hidden.invited() from public; insert into things values (4)`);
	await until(() => admin.changes.length === 5);
	await bob.heartbeat();
	expect(idsOf(bob)).not.toContain('INSERT 4');
	await rig.sql(`drop policy invited on things; drop schema hidden cascade`);
});

test.each([
	['a volatile function', `random() < 2 and auth.jwt() ->> 'name' = 'ann'`],
	['another table', `exists (select from friends where name = auth.jwt() ->> 'name')`],
	['the whole row', `(to_jsonb(things) ->> 'body') = auth.jwt() ->> 'name'`],
])('a policy with %s is asked for each row', async (_, policy) => {
	await rig.sql(`create table friends (name text); grant select on friends to authenticated; insert into friends values ('ann');
		alter table things enable row level security; create policy odd on things for select to authenticated using (${policy})`);
	const [ann, bob, admin] = await Promise.all([subscribe('ann'), subscribe('bob'), subscribe(null)]);
	await rig.sql(`insert into things values (1, 'ann')`);
	await until(() => admin.changes.length === 1);
	await Promise.all([ann, bob].map(each => each.heartbeat()));
	expect([ann, bob].map(idsOf)).toEqual([['INSERT 1'], []]);
	await rig.sql('drop table friends cascade');
});

test('subscribers of one batch get what their own filters, rights and topics say, in the order of the commits', async () => {
	await rig.sql(`create table others (id int primary key); alter publication supabase_realtime add table others;
		grant all on others to authenticated, service_role; alter table things enable row level security;
		create policy own on things for select to authenticated using (body = auth.jwt() ->> 'name')`);
	const things = {event: 'INSERT', schema: 'public', table: 'things'};
	const others = {event: '*', schema: 'public', table: 'others'};
	const [ann, ann2, bob, admin] = await Promise.all([
		subscribe('ann', [things, others]),
		subscribe('ann', [things, others]),
		subscribe('bob', [things, others]),
		subscribe(null, [{...things, filter: 'id=gt.2'}, others]),
	]);
	await ann2.join('second', [{...things, filter: 'body=eq.ann'}]);
	await rig.sql(`begin; insert into things values (1, 'ann'); insert into others values (1); insert into things values (2, 'bob');
		insert into things values (3, 'ann'); insert into others values (2); commit`);
	await Promise.all([ann, ann2, bob, admin].map(each => until(() => idsOf(each).includes('INSERT others 2'))));
	await ann2.heartbeat();
	const first = ann2.frames.filter(frame => frame[2] === 'realtime:all' && frame[3] === 'postgres_changes');
	const second = ann2.frames.filter(frame => frame[2] === 'realtime:second' && frame[3] === 'postgres_changes');
	expect([ann, bob, admin].map(idsOf)).toEqual([
		['INSERT 1', 'INSERT others 1', 'INSERT 3', 'INSERT others 2'],
		['INSERT others 1', 'INSERT 2', 'INSERT others 2'],
		['INSERT others 1', 'INSERT 3', 'INSERT others 2'],
	]);
	expect(first).toEqual(ann.frames.filter(frame => frame[3] === 'postgres_changes'));
	expect(second.map(frame => (frame[4]['data'] as Data).record?.['id'])).toEqual([1, 3]);
	await rig.sql('drop table others');
});

/** A signed-in user of that name, or the service role, on the topic `all`. */
async function subscribe(
	name: string | null,
	bindings: readonly object[] = [{event: '*', schema: 'public', table: 'things'}],
): Promise<RawClient> {
	const claims = name === null ? {role: 'service_role'} : {role: 'authenticated', name};
	const subscriber = await RawClient.open(rig, rig.token({...claims, exp: soon()}));
	await subscriber.join('all', bindings);
	return subscriber;
}

function idsOf({changes}: RawClient): string[] {
	return changes.map(({type, table, record, old_record: old}) =>
		[type, ...(table === 'things' ? [] : [table]), String((record ?? old)?.['id'])].join(' '),
	);
}
