import {
	createClient,
	REALTIME_SUBSCRIBE_STATES,
	type RealtimeChannel,
	type SupabaseClient,
} from '@supabase/supabase-js';
import {afterAll, afterEach, beforeAll, describe, expect, test} from 'vitest';
import {soon, startRig, until, type Rig} from './rig.ts';

let rig: Rig;
const clients: SupabaseClient[] = [];

beforeAll(async () => {
	rig = await startRig();
	await rig.sql(`
		create table notes (id bigint generated always as identity primary key, owner uuid, room text, body text, big bigint);
		grant all on notes to anon, authenticated, service_role;
		create table secrets (id bigint generated always as identity primary key, owner uuid, body text);
		grant all on secrets to anon, authenticated, service_role;
		alter table secrets enable row level security;
		create policy own on secrets for select to authenticated using (owner = auth.uid());
		alter publication supabase_realtime add table notes, secrets;
	`);
});

afterEach(async () => {
	for (const client of clients.splice(0)) {
		await client.removeAllChannels();
		await client.realtime.disconnect();
	}
	rig.checkFaults();
});

afterAll(() => rig.stop());

function client(claims: {[claim: string]: unknown} = {role: 'anon'}, vsn = '2.0.0'): SupabaseClient {
	const key = rig.token({...claims, exp: soon()});
	const made = createClient(rig.url, key, {auth: {persistSession: false}, realtime: {vsn, timeout: 20_000}});
	clients.push(made);
	return made;
}

async function subscribed(channel: RealtimeChannel): Promise<RealtimeChannel> {
	await new Promise<void>((resolve, reject) => {
		channel.subscribe((status, error) => {
			if (status === REALTIME_SUBSCRIBE_STATES.SUBSCRIBED) resolve();
			else if (status !== REALTIME_SUBSCRIBE_STATES.CLOSED) reject(error ?? new Error(status));
		});
	});
	return channel;
}

describe.each(['1.0.0', '2.0.0'])('supabase-js with serializer %s', vsn => {
	test('receives inserts, updates and deletes in the order of their commits', async () => {
		const changes: string[] = [];
		await subscribed(
			client({role: 'anon'}, vsn)
				.channel('notes')
				.on('postgres_changes', {event: '*', schema: 'public', table: 'notes'}, change => {
					const row = change.eventType === 'DELETE' ? change.old : change.new;
					changes.push(`${change.eventType} ${row['body'] ?? ''}`);
				}),
		);
		await rig.sql(`insert into notes (body) select 'n' || n from generate_series(1, 50) n`);
		await rig.sql(`update notes set body = 'changed' where body = 'n1'; delete from notes where body = 'changed';`);
		await until(() => changes.length === 52);
		expect(changes).toEqual([...Array.from({length: 50}, (_, n) => `INSERT n${n + 1}`), 'UPDATE changed', 'DELETE ']);
	});

	test('receives broadcasts of others, and on request its own, each acknowledged', async () => {
		const heard: string[] = [];
		const listen = async (name: string, self: boolean): Promise<RealtimeChannel> =>
			subscribed(
				client({role: 'anon'}, vsn)
					.channel('talk', {config: {broadcast: {ack: true, self}}})
					.on('broadcast', {event: 'say'}, ({payload}) => heard.push(`${name} ${JSON.stringify(payload)}`)),
			);
		const a = await listen('a', true);
		const b = await listen('b', false);
		expect(await a.send({type: 'broadcast', event: 'say', payload: {n: 1, text: 'é👋'}})).toBe('ok');
		expect(await b.send({type: 'broadcast', event: 'say', payload: {n: 2}})).toBe('ok');
		await until(() => heard.length === 3);
		expect(heard.sort()).toEqual(['a {"n":1,"text":"é👋"}', 'a {"n":2}', 'b {"n":1,"text":"é👋"}']);
	});

	test('sees who is present, who comes and who leaves', async () => {
		const a = client({role: 'anon'}, vsn).channel('present', {config: {presence: {key: 'ann'}}});
		a.on('presence', {event: 'sync'}, () => undefined);
		await subscribed(a);
		const b = client({role: 'anon'}, vsn).channel('present', {config: {presence: {key: 'bea'}}});
		b.on('presence', {event: 'sync'}, () => undefined);
		await subscribed(b);
		expect(await a.track({mood: 'fine'})).toBe('ok');
		await b.track({mood: 'new'});
		await until(() => Object.keys(a.presenceState()).length === 2 && Object.keys(b.presenceState()).length === 2);
		expect(b.presenceState()['ann']).toMatchObject([{mood: 'fine'}]);
		await b.unsubscribe();
		await until(() => Object.keys(a.presenceState()).join() === 'ann');
	});

	test('receives only rows that its own token may see', async () => {
		const user = '00000000-0000-4000-8000-00000000000a';
		const seen: string[] = [];
		const listen = async (name: string, claims: {[claim: string]: unknown}): Promise<unknown> =>
			subscribed(
				client(claims, vsn)
					.channel('secrets')
					.on('postgres_changes', {event: 'INSERT', schema: 'public', table: 'secrets'}, change => {
						seen.push(`${name} ${String(change.new['body'])}`);
					}),
			);
		await listen('a', {role: 'authenticated', sub: user});
		await listen('b', {role: 'authenticated', sub: '00000000-0000-4000-8000-00000000000b'});
		await listen('service', {role: 'service_role'});
		await rig.sql(`insert into secrets (owner, body) values ('${user}', 'of a'), (null, 'of nobody')`);
		await until(() => seen.includes('service of nobody') && seen.includes('a of a'));
		expect(seen.sort()).toEqual(['a of a', 'service of a', 'service of nobody']);
	});

	test('sends over HTTP without a socket', async () => {
		const heard: unknown[] = [];
		await subscribed(
			client({role: 'anon'}, vsn)
				.channel('post')
				.on('broadcast', {event: 'x'}, ({payload}) => heard.push(payload)),
		);
		await client({role: 'anon'}, vsn).channel('post').httpSend('x', {n: 1});
		await until(() => heard.length === 1);
		expect(heard).toEqual([{n: 1}]);
	});
});
