import {setTimeout as sleep} from 'node:timers/promises';
import {repetitions} from '../fixtures/repetitions.ts';
import {cli} from '../helpers/program.ts';
import {spawn} from '../helpers/terminal.ts';
import type {Attack, Tally} from './attack.ts';
import type {Engine, Target} from './target.ts';
import {within, Witness} from './witness.ts';

interface Bomb {
	readonly what: string;
	readonly method: 'GET' | 'POST';
	readonly path: string;
	readonly body?: unknown;
}

const search = (query: object): Pick<Bomb, 'method' | 'path' | 'body'> => ({
	method: 'POST',
	path: '/rest/v1/rpc/search_messages',
	body: query,
});
const sql = (query: string): Pick<Bomb, 'method' | 'path' | 'body'> => ({
	method: 'POST',
	path: '/v1/projects/local/database/query',
	body: {query},
});
const words = Array.from({length: 10_000}, (_, index) => `w${index}`);

/** Requests that an agent may send; each kept everyone waiting for 10 s and more, or is of the kind. */
const bombs: readonly Bomb[] = [
	{what: 'a search of `-a` times 50,000', ...search({p_query: '-a '.repeat(50_000)})},
	{what: 'a search of `a or` times 20,000', ...search({p_query: `${'a or '.repeat(20_000)}a`})},
	{what: 'a search of 10,000 words', ...search({p_query: words.join(' ')})},
	{what: 'a search of 10,000 quoted words', ...search({p_query: words.map(word => `"${word} a"`).join(' ')})},
	{what: 'a search for 10,000 tags', ...search({p_query: 'a', p_from: words})},
	{
		what: 'a message with 43,000 mentions',
		method: 'POST',
		path: '/rest/v1/messages',
		body: {
			content: `[BOMBER] ${words
				.concat(words, words, words)
				.map(word => `@${word}`)
				.join(' ')}`,
		},
	},
	{
		what: 'a filter with 5,000 alternatives',
		method: 'GET',
		path: `/rest/v1/messages?or=(${words
			.slice(0, 5000)
			.map((_, index) => `id.eq.${index}`)
			.join(',')})`,
	},
	{
		what: 'a filter nested 2,000 deep',
		method: 'GET',
		path: `/rest/v1/messages?or=(${'and('.repeat(2000)}id.eq.1${')'.repeat(2000)})`,
	},
	{
		what: 'a pattern that goes back and forth',
		method: 'GET',
		path: `/rest/v1/messages?content=match.${encodeURIComponent('(a*)*(b|a)*(\\1)*$'.repeat(20))}`,
	},
	{what: 'a pattern of many stars', method: 'GET', path: `/rest/v1/messages?content=like.${'*a'.repeat(3000)}`},
	{
		what: 'a product of all messages',
		method: 'GET',
		path: '/rest/v1/messages?select=id,tasks(id,messages(id,tasks(id)))',
	},
	{what: 'SQL that sleeps', ...sql('select pg_sleep(300)')},
	{what: 'SQL that counts', ...sql('select count(*) from generate_series(1, 100000000000)')},
	{
		what: 'SQL that never ends',
		...sql('with recursive r (n) as (select 1 union all select n + 1 from r) select max(n) from r'),
	},
	{
		what: 'SQL that fills memory',
		...sql("select length(string_agg(repeat('x', 1000000), '')) from generate_series(1, 2000)"),
	},
	{what: 'SQL whose answer is huge', ...sql("select repeat('x', 1000000) from generate_series(1, 3000)")},
];

export const budgets: Attack = {
	name: 'budgets',
	what: 'messages and requests that take long, while a key is answered and a second client served',
	async run({targets, tally, long}) {
		await targets.alone('PGlite', target => screen(target, tally, long));
		for (const engine of ['PGlite', 'PostgreSQL'] as const satisfies readonly Engine[]) {
			await targets.alone(engine, target => beside(target, tally, long));
		}
	},
};

/** The screen responds to a key while each message arrives. */
async function screen(target: Target, tally: Tally, long: boolean): Promise<void> {
	const token = target.hub.tokenFor('BOMBER');
	const terminal = spawn([process.execPath, cli], {cols: 120, rows: 40, env: {AGENTMUX_HOME: target.home.path}});
	try {
		await terminal.waitFor('● live', 30_000);
		terminal.write('c');
		for (const [index, {name, text}] of repetitions.entries()) {
			for (const length of long ? [48_000, 262_000] : [index % 2 === 0 ? 48_000 : 262_000]) {
				const {status, text: said} = await target.ask(token, 'POST', '/rest/v1/messages', {
					content: `[BOMBER] ${fitting(text, length)}`,
				});
				if (status !== 201) tally.breach(`the message ${name} was not taken: ${said}`);
				// Each key shows while the message is on its way, when it comes, and when it is there.
				for (let press = 0; press < 3; press += 1) {
					const typed = `${index}-${press}`;
					terminal.write(`\u0015${typed}`);
					const answered = await terminal.waitFor(typed, 5000).then(
						() => true,
						() => false,
					);
					tally.expectHarmless(answered, `the screen answers no key beside ${name} of ${length} characters`);
					await sleep(30);
				}
			}
		}
	} finally {
		terminal.kill('SIGKILL');
		await terminal.exited;
	}
}

/** A second client is served during each bomb, and the bomb itself ends. */
async function beside(target: Target, tally: Tally, long: boolean): Promise<void> {
	const token = target.hub.tokenFor('BOMBER');
	const witness = new Witness(target);
	await target.ask(
		token,
		'POST',
		'/rest/v1/messages',
		Array.from({length: 300}, (_, n) => ({content: `[BOMBER] ${'a'.repeat(100)} ${n}`})),
	);
	for (const [index, {what, method, path, body}] of bombs.entries()) {
		const at = `${target.engine}, beside ${what}`;
		// Each is thrown by another agent, because one that ran into the limit is paused.
		const tag = `BOMBER_${index}`;
		const bomber = target.hub.tokenFor(tag);
		const given = JSON.stringify(body)?.replace('[BOMBER]', `[${tag}]`);
		const thrown = Promise.all(
			Array.from({length: long ? 2 : 1}, () =>
				within(60, target.ask(bomber, method, path, given)).catch((error: unknown) => String(error)),
			),
		).then(async answers => {
			const isOver = answers.some(answer => typeof answer !== 'string' && answer.text.includes('57014'));
			const next = isOver ? await target.ask(bomber, 'GET', '/rest/v1/messages?limit=1') : null;
			if (next !== null)
				tally.expectRefused(next.status === 429, `${at}: the next request is taken at once`, next.text);
			return answers;
		});
		await sleep(50);
		// It waits for one of them at most, and that is cancelled after 1.5 s when others wait.
		await witness.isServed(tally, at, {times: 2, seconds: 4});
		for (const answer of await thrown) {
			if (typeof answer === 'string') tally.breach(`${at}: no answer: ${answer}`);
			else if (answer.status === 500 && answer.text.includes('"57014"')) tally.refuse();
			else if (answer.status >= 500 && answer.status !== 503 && answer.status !== 504)
				tally.breach(`${at}: ${answer.status} ${answer.text.slice(0, 200)}`);
			else if (answer.status >= 400) tally.refuse();
			else tally.neutralise();
		}
	}
	await witness.isServed(tally, `${target.engine}, after all`);
}

/** So many bytes at most: a message may have no more than 262,144. */
function fitting(text: (length: number) => string, bytes: number): string {
	const whole = text(bytes - 9);
	return text(Math.floor(((bytes - 9) * (bytes - 9)) / Math.max(bytes - 9, Buffer.byteLength(whole))));
}
