import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdirSync, rmSync, writeFileSync} from 'node:fs';
import {request as ask} from 'node:http';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {afterAll, afterEach, beforeAll, expect, test, vi} from 'vitest';
import {connectMailbox, type ConnectOptions} from '../../source/gateway/connect.ts';
import {runSql} from '../../source/gateway/management.ts';
import {signToken} from '../../source/hub/tokens/token.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import {startAnswering} from '../helpers/answering.ts';
import {hear} from '../helpers/hear.ts';
import {placesIn, startTestHub, temporaryHome, type TestHub} from '../helpers/hub.ts';
import {startRelay} from '../helpers/relay.ts';

let hub: TestHub;
let mailboxes: Mailbox[] = [];
beforeAll(async () => {
	hub = await startTestHub();
});
afterEach(async () => {
	await Promise.all(mailboxes.map(mailbox => mailbox.close()));
	mailboxes = [];
});
afterAll(() => hub.stop());

function open(tag: string, options: Partial<ConnectOptions> = {}): Mailbox {
	const mailbox = connectMailbox({url: hub.url, key: hub.anonKey, token: hub.tokenFor(tag), ...options});
	mailboxes.push(mailbox);
	return mailbox;
}

const sql = (query: string, readOnly = false) =>
	runSql({url: hub.url, project_ref: 'local', token: hub.serviceRoleKey}, query, {readOnly});

test('the hub is killed while four agents write: each accepted message is received once, and nothing else', async () => {
	const heard = hear(open('READER'));
	await heard.live();
	const accepted = new Set<string>();
	const writing = {stopped: false};
	const writers = ['W1', 'W2', 'W3', 'W4'].map(async tag => {
		const mailbox = open(tag);
		for (let n = 0; !writing.stopped; n++) {
			const content = `[${tag}] ${n}`;
			// Offline for longer than a post waits: as a person would, the same draft again, under the same client_id.
			const draft = {content, client_id: crypto.randomUUID()};
			let done = false;
			while (!done) {
				done = await mailbox.post(draft).then(
					() => true,
					() => false,
				);
			}
			accepted.add(content);
		}
	});
	await heard.until(() => heard.contents.length > 50);
	await hub.kill();
	await heard.until(() => heard.phases.at(-1) === 'offline');
	hub = await startTestHub({home: hub.home});
	await heard.live();
	const before = heard.contents.length;
	await heard.until(() => heard.contents.length > before + 20);
	writing.stopped = true;
	await Promise.all(writers);
	await heard.until(() => heard.contents.length >= accepted.size);
	expect(heard.contents.toSorted()).toEqual([...accepted].toSorted());
	expect(heard.offline.some(reason => reason.includes('cannot be reached: connection refused.'))).toBe(true);
	const rows = await sql('select count(*)::int as count from messages', true);
	expect(rows).toEqual([{count: accepted.size}]);
});

test('a subscription brings what it is about: the row and the receipts of one agent, or messages alone', async () => {
	const [reader, other, writer] = [open('READER'), open('OTHER'), open('WRITER')];
	const everything = hear(writer);
	const own = hear(reader, null, {agent: 'READER'});
	const messages = hear(other, null, 'messages');
	await Promise.all([everything, own, messages].map(each => each.live()));
	const {id} = await writer.post({content: '[WRITER] to @READER and @OTHER', client_id: crypto.randomUUID()});
	for (const [mailbox, tag] of [
		[reader, 'READER'],
		[other, 'OTHER'],
	] as const) {
		await mailbox.touch({presence: 'idle', session: `of ${tag}`});
		await mailbox.ack([id], 'test');
	}
	await writer.tasks.add({title: 'a task'});
	const redacted = await writer.post({content: '[WRITER] a secret', client_id: crypto.randomUUID()});
	await writer.redact(redacted.id);
	await everything.until(() => everything.tasks.length > 0 && everything.receipts.length > 1);
	await Promise.all([everything, own, messages].map(each => each.until(() => each.redacted.length > 0)));
	await own.until(
		() => own.agents.some(({tag, presence}) => tag === 'READER' && presence === 'idle') && own.receipts.length > 0,
	);
	const about = ({receipts, tasks, agents}: typeof own) => ({
		readers: [...new Set(receipts.map(each => each.reader))].toSorted(),
		tasks: tasks.length > 0,
		// Which agents there are is known from the start; this is what changed since.
		agents: [...new Set(agents.flatMap(({tag, presence}) => (presence === 'idle' ? [tag] : [])))].toSorted(),
	});
	expect(about(everything)).toEqual({readers: ['OTHER', 'READER'], tasks: true, agents: ['OTHER', 'READER']});
	expect(about(own)).toEqual({readers: ['READER'], tasks: false, agents: ['READER']});
	expect(about(messages)).toEqual({readers: [], tasks: false, agents: []});
	const ids = [id, redacted.id];
	expect([everything, own, messages].map(each => each.messages.map(message => message.id))).toEqual([ids, ids, ids]);
});

test('a cursor of another database does not hide what the one under the same address has', async () => {
	const heard = hear(open('READER'));
	await heard.live();
	await sql("insert into messages (content) values ('[A] in the old one')");
	await heard.until(() => heard.contents.length === 1);
	await hub.kill();
	rmSync(hub.home, {recursive: true, force: true});
	const home = temporaryHome();
	mkdirSync(placesIn(home).data, {recursive: true});
	writeFileSync(join(placesIn(home).data, 'port'), new URL(hub.url).port);
	const {jwtSecret, anonKey} = hub;
	hub = await startTestHub({home});
	// A reader of the old one is refused: another secret.
	await heard.until(() => heard.offline.some(reason => reason.includes('rejected the key')));
	expect(jwtSecret).not.toBe(hub.jwtSecret);
	expect(anonKey).not.toBe(hub.anonKey);
	await sql("insert into messages (content) values ('[A] in the new one')");
	const next = hear(open('READER'), heard.cursors.at(-1) ?? null);
	await next.until(() => next.contents.includes('[A] in the new one'));
	expect(next.cursors.at(-1)?.epoch).not.toBe(heard.cursors.at(-1)?.epoch);
});

test('an expired token is requested again, and nothing is missed', async () => {
	const expiring = (seconds: number): string => {
		const now = Math.floor(Date.now() / 1000);
		const app_metadata = {agent_tag: 'EXPIRING', kind: 'agent'};
		return signToken(hub.jwtSecret, {
			iss: 'agentmux',
			role: 'authenticated',
			iat: now,
			exp: now + seconds,
			app_metadata,
		});
	};
	const resolve = async () => ({url: hub.url, key: hub.anonKey, token: expiring(3600)});
	const heard = hear(open('EXPIRING', {token: expiring(3), resolve, timing: {idle: 1000}}));
	await heard.live();
	await heard.until(() => heard.phases.at(-1) === 'offline');
	await sql("insert into messages (content) values ('[A] while the token was dead')");
	await heard.live();
	await heard.until(() => heard.contents.includes('[A] while the token was dead'));
	expect(heard.contents).toHaveLength(1);
});

test('without Realtime, messages still arrive, and the state says how', async () => {
	const {hostname, port} = new URL(hub.url);
	const proxy = await startAnswering(
		(request, response) => {
			const headers = {...request.headers, host: `${hostname}:${port}`};
			const onward = ask({hostname, port, path: request.url, method: request.method, headers}, answer => {
				response.writeHead(answer.statusCode ?? 500, answer.headers);
				answer.pipe(response);
			});
			request.pipe(onward);
		},
		(_, socket) => void socket.end('HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\n\r\n'),
	);
	const heard = hear(open('READER', {url: proxy.url, timing: {idle: 300}}));
	await heard.until(() => heard.offline.some(reason => reason.includes('Fetching new messages every 0.3 seconds')));
	await sql("insert into messages (content) values ('[A] without a doorbell')");
	await heard.until(() => heard.contents.length > 0);
	await sql("insert into messages (content) values ('[A] and one more')");
	await heard.until(() => heard.contents.length > 1);
	expect(heard.contents).toEqual(['[A] without a doorbell', '[A] and one more']);
	await mailboxes[0]?.close();
	await proxy.stop();
});

test('a connection that breaks silently is noticed by the next check', async () => {
	let silent = false;
	const relay = await startRelay(Number(new URL(hub.url).port), () => !silent);
	const heard = hear(open('READER', {url: relay.url, timeout: 1000, timing: {idle: 300}}));
	await heard.live();
	silent = true;
	await heard.until(() => heard.phases.at(-1) === 'offline');
	await sql("insert into messages (content) values ('[A] into the silence')");
	silent = false;
	await heard.live();
	await heard.until(() => heard.contents.length > 0);
	expect(heard.contents).toEqual(['[A] into the silence']);
	relay.stop();
});

test('the next check makes up for a doorbell that was lost while connected', async () => {
	let lost = 0;
	const relay = await startRelay(Number(new URL(hub.url).port), (chunk, to) => {
		const rings = to === 'client' && chunk.includes('"type":"INSERT"');
		if (rings) lost += 1;
		return !rings;
	});
	const heard = hear(open('READER', {url: relay.url, timing: {idle: 1000}}));
	await heard.live();
	for (const n of [1, 2, 3]) {
		await sql(`insert into messages (content) values ('[A] unannounced ${n}')`);
		await heard.until(() => heard.contents.length === n);
	}
	await vi.waitFor(() => expect(lost).toBe(3), 10_000);
	expect(heard.contents).toEqual([1, 2, 3].map(n => `[A] unannounced ${n}`));
	expect(heard.phases.at(-1)).toBe('live');
	relay.stop();
});

test('rows that are deleted are reported by their keys', async () => {
	const agent = open('FORGOTTEN');
	await agent.touch({presence: 'away'});
	const task = await agent.tasks.add({title: 'deleted'});
	const message = await open('SENDER').post({content: '[SENDER] hi @FORGOTTEN'});
	await agent.ack([message.id], 'mcp');
	const heard = hear(open('READER'));
	await heard.live();
	expect(heard.agents.map(({tag}) => tag)).toContain('FORGOTTEN');
	await sql(`
		delete from public.receipts where message_id = ${message.id};
		delete from public.tasks where id = ${task.id};
		delete from public.agents where tag = 'FORGOTTEN';
	`);
	await heard.until(() => heard.removed.length === 3);
	expect(heard.removed).toEqual([
		{table: 'receipts', message_id: message.id, reader: 'FORGOTTEN'},
		{table: 'tasks', id: task.id},
		{table: 'agents', tag: 'FORGOTTEN'},
	]);
});

test('after a sleep, it reconnects immediately', async () => {
	const heard = hear(open('READER', {timing: {idle: 200}}));
	await heard.live();
	const awake = Date.now.bind(Date);
	const clock = vi.spyOn(Date, 'now').mockImplementation(() => awake() + 3_600_000);
	try {
		await heard.until(() => heard.phases.length > 3);
		await heard.live();
	} finally {
		clock.mockRestore();
	}
	expect(heard.phases.slice(0, 6)).toEqual(['connecting', 'catching_up', 'live', 'connecting', 'catching_up', 'live']);
});

test('a service key writes as the tag it acts as, unverified', async () => {
	const mailbox = open('', {key: hub.serviceRoleKey, token: hub.serviceRoleKey, actingTag: 'CLAUDE_9'});
	expect(await mailbox.identity()).toEqual({tag: 'CLAUDE_9', kind: 'agent', verified: false});
	const row = await mailbox.post({content: '[CLAUDE_9] by key'});
	expect(row).toMatchObject({author_tag: 'CLAUDE_9', author_kind: 'agent', verified: false});
});

test('a publishable key alone reads nothing, and is told why', async () => {
	const mailbox = connectMailbox({url: hub.url, key: hub.anonKey});
	mailboxes.push(mailbox);
	await expect(mailbox.history({})).rejects.toMatchObject({name: 'MailboxError', code: 'unauthorized'});
	await expect(mailbox.post({content: 'x'})).rejects.toMatchObject({name: 'MailboxError', code: 'unauthorized'});
});

test('SQL runs as the owner and returns rows; read-only SQL cannot write', async () => {
	expect(await sql("select 1 as one, 'a' as text, null as nothing")).toEqual([{one: 1, text: 'a', nothing: null}]);
	await expect(sql("insert into messages (content) values ('x')", true)).rejects.toMatchObject({code: 'invalid'});
	const wrong = runSql({url: hub.url, project_ref: 'local', token: hub.anonKey}, 'select 1');
	await expect(wrong).rejects.toMatchObject({code: 'unauthorized'});
});

test('a program that closed its mailbox ends', async () => {
	const module = fileURLToPath(new URL('../../source/gateway/connect.ts', import.meta.url));
	const target = {url: hub.url, key: hub.anonKey, token: hub.tokenFor('BRIEF')};
	const script = `
		const {connectMailbox} = await import(${JSON.stringify(module)});
		const mailbox = connectMailbox(${JSON.stringify(target)});
		await new Promise(resolve => mailbox.subscribe(event => event.connection?.phase === 'live' && resolve()));
		await mailbox.close();
		process.stdout.write(String(Date.now()));
		process.on('exit', () => process.stdout.write(' ' + Date.now()));
	`;
	const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	let said = '';
	child.stdout.on('data', chunk => {
		said += String(chunk);
	});
	await once(child, 'close');
	const [closed = 0, ended = Infinity] = said.split(' ').map(Number);
	expect(ended - closed).toBeLessThan(5000);
});
