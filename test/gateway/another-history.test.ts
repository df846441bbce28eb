import {cpSync, renameSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {afterEach, describe, expect, test} from 'vitest';
import {connectMailbox} from '../../source/gateway/connect.ts';
import {runSql} from '../../source/gateway/management.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import {onPostgres} from '../helpers/engine.ts';
import {hear, type Heard} from '../helpers/hear.ts';
import {startTestHub, temporaryHome, type TestHub} from '../helpers/hub.ts';
import {startPostgres, type PostgresServer} from '../helpers/postgres.ts';
import {startRelay} from '../helpers/relay.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
	for (const end of ends.splice(0).reverse()) await end();
});

function open(hub: TestHub, url = hub.url): Mailbox {
	const timing = {idle: 300, delayAfter: () => 100};
	const mailbox = connectMailbox({url, key: hub.anonKey, token: hub.tokenFor('READER'), timing});
	ends.push(() => mailbox.close());
	return mailbox;
}

async function write(hub: TestHub, word: string, count: number): Promise<void> {
	const target = {url: hub.url, project_ref: 'local', token: hub.serviceRoleKey};
	// A transaction each, as clients write.
	for (const content of named(word, count))
		await runSql(target, `insert into messages (content) values ('${content}')`);
}
const named = (word: string, count: number): string[] => Array.from({length: count}, (_, n) => `[W] ${word} ${n + 1}`);

describe.skipIf(onPostgres)('an older copy of the data directory that is put back by hand', () => {
	test.each([
		['fewer messages than it lost', 5],
		['more messages than it lost', 60],
	])('is noticed by earlier followers, and %s are written then', async (_, count) => {
		const home = temporaryHome();
		let hub = await startTestHub({home});
		ends.push(() => hub.stop());
		const pg = join(hub.paths.data, 'pg');
		await write(hub, 'common', 10);
		await hub.stop({keep: true});
		cpSync(pg, `${home}/copy`, {recursive: true});
		hub = await startTestHub({home});
		// The two part even before where those begin who follow.
		await write(hub, 'unseen', 5);
		let cut = false;
		const relay = await startRelay(Number(new URL(hub.url).port), () => !cut);
		ends.push(() => relay.stop());
		const live = hear(open(hub));
		const late = hear(open(hub, relay.url));
		await Promise.all([live.live(), late.live()]);
		await write(hub, 'lost', 20);
		for (const heard of [live, late]) await heard.until(() => heard.contents.length === 20);
		const saved = live.cursors.at(-1) ?? null;
		cut = true;
		await hub.stop({keep: true});
		rmSync(pg, {recursive: true});
		renameSync(`${home}/copy`, pg);
		hub = await startTestHub({home});
		await write(hub, 'new', count);
		cut = false;
		const resumed = hear(open(hub), saved);
		for (const heard of [live, late, resumed]) {
			await heard.until(() => heard.contents.includes(`[W] new ${count}`), 15_000);
			await heard.live();
		}
		const expected = [...named('lost', 20), ...named('new', count)];
		expect(live.contents).toEqual(expected);
		expect(late.contents).toEqual(expected);
		// It knew one row, which may be gone: then everything is told.
		expect(resumed.contents.slice(-count)).toEqual(named('new', count));
		expect(new Set(resumed.contents).size).toBe(resumed.contents.length);
		for (const heard of [live, late, resumed]) expect(heard.replaced).toHaveLength(1);
		for (const heard of [live, late]) expect(heard.replaced[0]).toMatchObject({common: 10});
	});
});

describe.skipIf(onPostgres)('a PostgreSQL that goes on without what was written last', () => {
	let server: PostgresServer;
	let hub: TestHub;
	let heard: Heard;
	const crash = async (): Promise<void> => {
		await server.crash();
		await heard.until(() => heard.phases.at(-1) === 'offline');
	};
	const begin = async (): Promise<void> => {
		server = await startPostgres();
		ends.push(() => server.stop());
		hub = await startTestHub({env: {AGENTMUX_DATABASE_URL: server.connectionString}});
		ends.push(() => hub.stop());
		await write(hub, 'common', 10);
		heard = hear(open(hub));
		await heard.live();
		await server.crash();
		server.copyFiles();
		await server.resume();
		await heard.until(() => heard.phases.at(-1) === 'offline');
		await heard.live();
		await write(hub, 'lost', 200);
		await heard.until(() => heard.contents.length === 200, 60_000);
	};
	test.each([
		['its files were put back', false],
		['a standby was promoted that lacked them', true],
	])('because %s', async (_, asStandby) => {
		await begin();
		await crash();
		server.putBack({asStandby});
		await server.resume();
		if (asStandby) await server.promote();
		await heard.live();
		await write(hub, 'new', 30);
		await heard.until(() => heard.contents.includes('[W] new 30'));
		expect(heard.contents).toEqual([...named('lost', 200), ...named('new', 30)]);
		expect(heard.replaced).toHaveLength(1);
	});
});
