import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {findHub} from '../../source/hub/process/find.ts';
import {startTestHub, type TestHub} from '../helpers/hub.ts';
import {startPostgres, type PostgresServer} from '../helpers/postgres.ts';
import {cli} from '../helpers/program.ts';

/** Longer than any of this takes, and cancelled at once when that is asked for. */
const long = 'select count(*) from generate_series(1, 1000000000)';

interface Answer {
	readonly status: number;
	readonly text: string;
}

async function ask(url: string, method: string, bearer: string, body?: object): Promise<Answer> {
	const response = await fetch(url, {
		method,
		headers: {authorization: `Bearer ${bearer}`, 'content-type': 'application/json'},
		...(body === undefined ? {} : {body: JSON.stringify(body)}),
	});
	return {status: response.status, text: await response.text()};
}

describe.each(['PGlite', 'PostgreSQL'])('a request that is running when a token ends, on %s', engine => {
	let server: PostgresServer | null = null;
	let hub: TestHub;
	beforeAll(async () => {
		server = engine === 'PostgreSQL' ? await startPostgres() : null;
		const env = server === null ? {} : {AGENTMUX_DATABASE_URL: server.connectionString};
		hub = await startTestHub({cli, env});
	});
	afterAll(async () => {
		await hub.stop();
		await server?.stop();
	});
	const serviceKey = async (): Promise<string> => (await findHub(hub.paths))?.service_role_key ?? '';
	const messages = async (): Promise<Answer> =>
		ask(`${hub.url}/rest/v1/messages?select=body`, 'GET', await serviceKey());

	/** SQL of that agent, which writes a message and goes on; resolves when it runs. */
	async function begin(tag: string, token = hub.tokenFor(tag)): Promise<{readonly answer: Promise<Answer>}> {
		const address = `${hub.url}/v1/projects/local/database/query`;
		// Its role is made before.
		const first = await ask(address, 'POST', token, {query: 'select 1'});
		expect(first).toEqual({status: 201, text: expect.any(String) as string});
		const query = `insert into messages (content) values ('[${tag}] too late'); ${long}`;
		const answer = ask(address, 'POST', token, {query});
		await expect
			.poll(async () => (await findHub(hub.paths))?.running.map(({who}) => who), {timeout: 20_000})
			.toContain(tag);
		return {answer};
	}

	test('is refused when its tokens are ended', async () => {
		const {answer} = await begin('LEAVING');
		const ended = ask(`${hub.url}/agentmux/v1/tokens`, 'DELETE', await serviceKey(), {tag: 'LEAVING'});
		expect(await ended).toMatchObject({status: 204});
		const answered = await answer;
		expect(answered.status < 400 ? answered : 'refused').toBe('refused');
		expect(await messages()).toEqual({status: 200, text: '[]'});
	});

	test('is refused when a human revokes it', async () => {
		const token = hub.tokenFor('REVOKED');
		const touched = await ask(`${hub.url}/rest/v1/rpc/agent_touch`, 'POST', token, {p_presence: 'working'});
		expect(touched).toMatchObject({status: 200});
		const {answer} = await begin('REVOKED', token);
		const human = hub.tokenFor('HUMAN', 'human');
		expect(await ask(`${hub.url}/rest/v1/rpc/agent_revoke`, 'POST', human, {p_tag: 'REVOKED'})).toMatchObject({
			status: 200,
		});
		const answered = await answer;
		expect(answered.status < 400 ? answered : 'refused').toBe('refused');
		expect(await messages()).toEqual({status: 200, text: '[]'});
	});

	test('is refused when the keys of the hub are replaced', async () => {
		const {answer} = await begin('WORKER');
		expect(await ask(`${hub.url}/agentmux/v1/keys`, 'POST', await serviceKey(), {})).toMatchObject({status: 204});
		expect(await answer).toEqual({
			status: 400,
			text: expect.stringContaining('the token of this request has ended meanwhile') as string,
		});
		expect(await messages()).toEqual({status: 200, text: '[]'});
	});
});
