import {hostile, unprintableIn} from '../../fixtures/hostile.ts';
import type {Attack, Tally} from '../attack.ts';
import {printing, printingJson} from '../commands.ts';
import type {Target} from '../target.ts';
import {screen} from './screen.ts';

const tag = 'HOSTILE';

export const terminal: Attack = {
	name: 'terminal',
	what: 'hostile text by every command, as text and as JSON, and on the screen',
	async run({targets, tally, long}) {
		await targets.alone('PGlite', async target => {
			await plant(target, tally);
			const commands = [...printing, ...printingJson, ...arguments_];
			// Four at a time: most of it is waiting for programs to start.
			const queue = [...commands];
			const work = async (): Promise<void> => {
				for (let words = queue.shift(); words !== undefined; words = queue.shift()) await look(target, tally, words);
			};
			await Promise.all([work(), work(), work(), work()]);
			await screen(target, tally, long);
		});
	},
};

/** Arguments that come back in errors, and SQL whose names and errors are hostile. */
const arguments_: readonly (readonly string[])[] = [
	[
		'sql',
		`select ${names()
			.map((name, index) => `${index} as ${name}`)
			.join(', ')}`,
	],
	[
		'sql',
		`select ${names()
			.map((name, index) => `${index} as ${name}`)
			.join(', ')}`,
		'--json',
	],
	[
		'sql',
		`do $do$ begin raise exception using message = ${literal()}, hint = ${literal()}, detail = ${literal()}; end $do$`,
	],
	['sql', `select ${literal()} as all_of_it`],
	['sql', `select * from ${names()[1] ?? ''}`],
	['search', hostile.join(' ')],
	['send', '--to', hostile.join(''), 'x'],
	['thread', hostile.join('')],
	['join', hostile.join('')],
	[hostile.join('')],
	['tail', `--${hostile.join('')}`],
	['tasks', 'add', hostile.join(' ').slice(0, 900)],
	['hub', 'restore', `/nonexistent/${hostile.join('').replaceAll('/', '')}`],
	['config', hostile.join('')],
];

/** As SQL writes identifiers: each once, of 63 bytes at most. */
function names(): string[] {
	const cut = hostile
		.filter(text => text !== '')
		.map(text => Buffer.from(text).subarray(0, 60).toString('utf8').replaceAll('\uFFFD', ''));
	return [...new Set(cut)].filter(text => text !== '').map(text => `"${text.replaceAll('"', '""')}"`);
}

function literal(): string {
	return `'${hostile.join(' ').replaceAll("'", "''")}'`;
}

/** Writes each text wherever an agent can write one. */
async function plant(target: Target, tally: Tally): Promise<void> {
	const token = target.hub.tokenFor(tag);
	const call = async (name: string, body: object): Promise<unknown> => {
		const {status, text, json} = await target.ask(token, 'POST', `/rest/v1/rpc/${name}`, body);
		if (status >= 500) tally.breach(`${name}: ${status} ${text}`);
		return json;
	};
	for (const text of hostile) {
		const {status, text: said} = await target.ask(token, 'POST', '/rest/v1/messages', {
			content: `[${tag}] hostile ${text}`,
		});
		if (status >= 500) tally.breach(`a message: ${status} ${said}`);
	}
	for (const [index, text] of hostile.entries()) {
		const few = index % 16 === 0;
		// One agent shows one role: the last of them stays. Tasks are many.
		if (few)
			await target.ask(target.hub.tokenFor(`ROLE_${index}`), 'POST', '/rest/v1/rpc/agent_touch', {
				p_role: text.slice(0, 200),
				p_session: text.slice(0, 60) || 's',
			});
		if (few)
			await call('task_add', {
				p_title: `hostile ${text}`,
				p_body: text,
				p_queue: text.slice(0, 20) || 'q',
				p_key: `${text.slice(0, 60)} ${index}`,
			});
	}
	const everything = hostile.join(' ');
	await call('task_add', {p_title: everything.slice(0, 900), p_body: everything});
	const [claimed] = ((await call('task_claim', {})) ?? []) as {id: number; lease_token: number}[];
	if (claimed === undefined) return tally.breach('no task could be claimed');
	await call('task_progress', {
		p_id: claimed.id,
		p_token: claimed.lease_token,
		p_progress: 0.5,
		p_note: everything.slice(0, 9000),
	});
	await call('task_finish', {
		p_id: claimed.id,
		p_token: claimed.lease_token,
		p_ok: false,
		p_error: everything.slice(0, 9000),
	});
	await target.owner(
		`create table "hostile \u001B[31m \u202E table" ("\u001B]0;x\u0007 column" text); insert into "hostile \u001B[31m \u202E table" values (${literal()})`,
	);
}

/** Nothing of it may reach what the command prints. Each hostile text is a try. */
async function look(target: Target, tally: Tally, words: readonly string[]): Promise<void> {
	const {code, stdout, stderr} = await target.home.run(words);
	const found = unprintableIn(stdout + stderr);
	const what = `agentmux ${JSON.stringify(words).slice(0, 100)}`;
	if (code === null) tally.breach(`${what} was killed`);
	if (found.length > 0) tally.breach(`${what} prints ${found.join(' ')}`);
	// Where they were printed, each is a try; a command that printed none of them is one.
	else
		for (let count = /␛|<U\+|\\u001b/i.test(stdout + stderr) ? hostile.length : 1; count > 0; count -= 1)
			tally.neutralise();
	if (words.includes('--json') && code === 0 && !isJson(stdout)) tally.breach(`${what} prints no JSON`);
}

/** One value, or one in each line. */
function isJson(text: string): boolean {
	try {
		JSON.parse(text);
		return true;
	} catch {
		return text
			.split('\n')
			.filter(line => line !== '')
			.every(line => {
				try {
					JSON.parse(line);
					return true;
				} catch {
					return false;
				}
			});
	}
}
