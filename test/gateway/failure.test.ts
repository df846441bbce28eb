import {afterEach, describe, expect, test} from 'vitest';
import {connectMailbox, type ConnectOptions} from '../../source/gateway/connect.ts';
import {runSql} from '../../source/gateway/management.ts';
import type {MailboxError} from '../../source/mailbox/error.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import {startAnswering} from '../helpers/answering.ts';

let ends: (() => Promise<void>)[] = [];
afterEach(async () => {
	await Promise.all(ends.map(end => end()));
	ends = [];
});

function connect(url: string, options: Partial<ConnectOptions> = {}): Mailbox {
	const mailbox = connectMailbox({url, key: 'k', ...options});
	ends.push(() => mailbox.close());
	return mailbox;
}

/** A server that answers every request with this response; `json` as from PostgREST. */
async function answering(status: number, body: string | object): Promise<string> {
	const type = typeof body === 'string' ? 'text/html' : 'application/json';
	const text = typeof body === 'string' ? body : JSON.stringify(body);
	const server = await startAnswering(
		(_, response) => void response.writeHead(status, {'content-type': type}).end(text),
	);
	ends.push(() => server.stop());
	return server.url;
}

async function failureOf(call: Promise<unknown>): Promise<MailboxError> {
	return call.then(
		() => {
			throw new Error('It did not fail.');
		},
		(error: MailboxError) => error,
	);
}

describe('errors are one sentence, with the remedy', () => {
	test('nothing listens at the address', async () => {
		const server = await startAnswering(() => undefined);
		await server.stop();
		const failure = await failureOf(connect(server.url).history({}));
		expect(failure).toMatchObject({name: 'MailboxError', code: 'offline'});
		expect(failure.sentence).toBe(
			`${server.url} cannot be reached: connection refused. Check SUPABASE_URL and that it is running; for the local hub see \`agentmux hub status\`.`,
		);
	});

	test('there is no such host', async () => {
		const failure = await failureOf(connect('http://no-such-host.invalid').history({}));
		expect(failure).toMatchObject({code: 'offline'});
		expect(failure.message).toMatch(/^http:\/\/no-such-host\.invalid cannot be reached: .+\.$/);
	});

	test('the address is not a URL', async () => {
		const failure = await failureOf(connect('supabase').history({}));
		expect(failure).toMatchObject({code: 'invalid'});
		expect(failure.sentence).toMatch(/^supabase cannot be used: .*SUPABASE_URL/);
	});

	test.each([
		[200, '<html>Welcome</html>'],
		[404, '<html>Not found</html>'],
		[404, {message: 'no Route matched with those values'}],
	])('a web server that is not a Supabase answers with %i', async (status, body) => {
		const url = await answering(status, body);
		const failure = await failureOf(connect(url).history({}));
		expect(failure).toMatchObject({code: 'not_found'});
		expect(failure.message).toContain(`${url} does not respond like a Supabase`);
		expect(failure.remedy).toContain('SUPABASE_URL');
	});

	test('it takes too long', async () => {
		const server = await startAnswering(() => undefined);
		ends.push(() => server.stop());
		const failure = await failureOf(connect(server.url, {timeout: 1000}).tasks.claim());
		expect(failure).toMatchObject({code: 'offline', message: `${server.url} did not answer within 1 s.`});
	});

	test('the response breaks off in the middle', async () => {
		const server = await startAnswering((_, response) => {
			response.writeHead(200, {'content-type': 'application/json', 'content-length': '1000'}).write('[{"id":');
			setTimeout(() => response.destroy(), 50);
		});
		ends.push(() => server.stop());
		expect(await failureOf(connect(server.url).history({}))).toMatchObject({name: 'MailboxError', code: 'offline'});
	});

	test.each([
		[
			401,
			{message: 'Invalid API key', hint: 'Double check it.'},
			'unauthorized',
			/rejected the key: Invalid API key\.$/,
		],
		[401, {code: 'PGRST303', message: 'JWT expired'}, 'unauthorized', /JWT expired\.$/],
		[
			403,
			{code: '42501', message: 'you are A and may only write as A, not as B', hint: 'Begin the content with [A].'},
			'forbidden',
			/^You are A .*\.$/,
		],
		[
			404,
			{code: 'PGRST205', message: "Could not find the table 'public.messages' in the schema cache"},
			'schema',
			/does not have agentmux's tables/,
		],
		[404, {code: 'PGRST202', message: 'Could not find the function'}, 'schema', /does not have agentmux's tables/],
		[409, {code: '23505', message: 'duplicate key'}, 'conflict', /^Duplicate key\.$/],
		[409, {code: '23503', message: 'message 9, which this replies to, does not exist'}, 'not_found', /^Message 9/],
		[400, {code: '23514', message: 'violates check constraint'}, 'invalid', /^Violates check constraint\.$/],
		[400, {code: '22P05', message: 'unsupported Unicode escape sequence'}, 'invalid', /^Unsupported/],
		[500, {code: '57014', message: 'canceling statement due to statement timeout'}, 'invalid', /^Canceling/],
		[503, {code: 'PGRST001', message: 'Could not connect with the database'}, 'offline', /^Could not connect/],
		[502, '<html>Bad gateway</html>', 'offline', /failed with HTTP 502\.$/],
		[429, {message: 'Too many requests'}, 'offline', /^Too many requests\.$/],
		[413, {message: 'Payload too large'}, 'invalid', /^Payload too large\.$/],
	])('%i with %j is a failure of the kind %s', async (status, body, code, sentence) => {
		const failure = await failureOf(connect(await answering(status, body)).history({}));
		expect(failure).toMatchObject({name: 'MailboxError', code});
		expect(failure.message).toMatch(sentence);
	});

	test('rows of another version of the tables are reported as such', async () => {
		const url = await answering(200, [{id: 1, content: 'hello'}]);
		const failure = await failureOf(connect(url).history({}));
		expect(failure).toMatchObject({code: 'schema', remedy: expect.stringContaining('supabase db push') as unknown});
		expect(failure.message).toContain('messages.tag is missing');
	});

	test('a missing table makes the subscriber say so while it keeps trying', async () => {
		const url = await answering(404, {code: 'PGRST202', message: 'Could not find the function'});
		const reasons: string[] = [];
		await new Promise<void>(resolve => {
			connect(url).subscribe(event => {
				if (event.type !== 'connection' || event.connection.phase !== 'offline') return;
				reasons.push(event.connection.reason);
				if (reasons.some(reason => reason.includes("does not have agentmux's tables"))) resolve();
			});
		});
		expect(reasons.at(-1)).toMatch(/^http.*\.$/);
	});
});

test('a post whose response is lost is inserted once, and returns the existing row', async () => {
	const inserted: {client_id: string}[] = [];
	const server = await startAnswering((request, response) => {
		let text = '';
		request.on('data', chunk => {
			text += String(chunk);
		});
		request.on('end', () => {
			const row = request.method === 'POST' ? (JSON.parse(text) as {client_id: string}) : null;
			const isNew = row !== null && !inserted.some(({client_id}) => client_id === row.client_id);
			if (isNew) inserted.push(row);
			if (isNew) return void response.destroy();
			const rows = row === null ? inserted.map(asMessage) : [];
			response.writeHead(200, {'content-type': 'application/json'}).end(JSON.stringify(rows));
		});
	});
	ends.push(() => server.stop());
	const message = await connect(server.url).post({content: '[A] once'});
	expect(inserted).toHaveLength(1);
	expect(message.client_id).toBe(inserted[0]?.client_id);
});

function asMessage(row: object): object {
	const derived = {
		tag: 'A',
		body: 'once',
		mentions: [],
		thread_id: 1,
		author_tag: 'A',
		author_kind: 'agent',
		verified: true,
	};
	return {id: 1, ...derived, ...row, xid: '7', created_at: '2026-11-23T00:00:00+00:00', unknown: 'left out'};
}

test('a post that cannot get through is given up after a few attempts, and only then', async () => {
	let attempts = 0;
	const server = await startAnswering((_, response) => {
		attempts += 1;
		response.destroy();
	});
	ends.push(() => server.stop());
	expect(await failureOf(connect(server.url).post({content: '[A] lost'}))).toMatchObject({code: 'offline'});
	expect(attempts).toBe(4);
});

test('requests that must not run twice are not retried', async () => {
	let attempts = 0;
	const server = await startAnswering((_, response) => {
		attempts += 1;
		response.destroy();
	});
	ends.push(() => server.stop());
	expect(await failureOf(connect(server.url).tasks.claim())).toMatchObject({code: 'offline'});
	expect(attempts).toBe(1);
});

test("SQL errors keep the database's own message", async () => {
	const url = await answering(400, {
		message: 'Failed to run sql query: ERROR:  42601: syntax error at or near "selec"',
	});
	const failure = await failureOf(runSql({url, project_ref: 'x', token: 't'}, 'selec 1'));
	expect(failure).toMatchObject({code: 'invalid'});
	expect(failure.message).toBe('The database rejected this: ERROR:  42601: syntax error at or near "selec"');
});
