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
