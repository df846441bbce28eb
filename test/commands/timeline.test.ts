import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {timeFlag} from '../../source/commands/cli/values.ts';
import {Home} from '../helpers/program.ts';

type Row = Record<string, unknown>;

let home: Home;
beforeAll(async () => {
	home = await Home.make();
	await home.output(['hub', 'start']);
});
afterAll(() => home.dispose());

const as = (tag: string) => ({env: {AGENTMUX_TAG: tag}});

describe('timeline', () => {
	test('prints messages, tasks and presence in the order in which they happened', async () => {
		const empty = await home.run(['timeline']);
		expect(empty).toMatchObject({code: 0, stdout: '', stderr: 'agentmux: Nothing happened in that period.\n'});
		const first = Number(await home.output(['send', '--to', 'CLAUDE_1', 'please begin\n[CLAUDE_1] done']));
		await home.output(['tasks', 'add', 'build the \u001B[31mparser']);
		const {id, lease_token} = await home.json(['tasks', 'claim'], as('CLAUDE_1'));
		await home.output(['tasks', 'finish', String(id), '--token', String(lease_token)], as('CLAUDE_1'));
		await home.output(['inbox', '--as', 'CLAUDE_1'], as('CLAUDE_1'));
		await home.output(['sql', `insert into agents (tag, presence) values ('CLAUDE_1', 'working')`]);
		const reply = Number(await home.output(['send', '--reply', String(first), 'done'], as('CLAUDE_1')));

		const lines = (await home.output(['timeline', '--json'])).trimEnd().split('\n');
		const rows = lines.map(line => JSON.parse(line) as Row);
		expect(rows).toMatchObject([
			{type: 'message', id: first, tag: 'HUMAN', mentions: ['CLAUDE_1']},
			{type: 'task', task_id: id, state: 'queued', tag: null, title: 'build the \u001B[31mparser'},
			{type: 'task', task_id: id, state: 'running', tag: 'CLAUDE_1'},
			{type: 'task', task_id: id, state: 'done', tag: 'CLAUDE_1', progress: 1},
			{type: 'message', tag: 'SYSTEM', mentions: ['HUMAN']},
			{type: 'presence', tag: 'CLAUDE_1', state: 'working'},
			{type: 'message', id: reply, reply_to: first},
		]);
		const text = (await home.output(['timeline', '--since', '1h'])).trimEnd().split('\n');
		// How SYSTEM is marked is not the timeline's affair.
		const plain = text.map(line => line.replace(/^\d\d:\d\d:\d\d/, 'TIME').replace(/SYSTEM \(\w+\)/, 'SYSTEM'));
		expect(plain).toEqual([
			'TIME  HUMAN (signed)  @CLAUDE_1 please begin',
			'    │ [CLAUDE_1] done',
			`TIME  task #${String(id)} queued  build the ␛[31mparser`,
			`TIME  CLAUDE_1  task #${String(id)} running  build the ␛[31mparser`,
			`TIME  CLAUDE_1  task #${String(id)} done  build the ␛[31mparser`,
			`TIME  SYSTEM  @HUMAN Task #${String(id)} "build the \\u001b[31mparser" is done by CLAUDE_1.`,
			'TIME  CLAUDE_1  in a turn',
			`TIME  CLAUDE_1  ↳ #${first} done`,
		]);
		const until = String(rows[3]?.['at']);
		expect((await home.output(['timeline', '--until', until, '--json'])).trimEnd().split('\n')).toEqual(
			lines.slice(0, 3),
		);
		expect((await home.output(['timeline', '--since', until, '--json'])).trimEnd().split('\n')[0]).toBe(lines[3]);
	});

	test('prints pauses and what became of requests for permission', async () => {
		await home.output(['sql', `insert into agents (tag) values ('ASKER')`]);
		const since = new Date().toISOString();
		await home.output(['pause', 'ASKER', '--reason', 'lunch']);
		await home.output(['resume', 'ASKER']);
		const ask = `insert into mux_approvals (request, tag, session, client, tool, input, cwd, waits_until)
			values (gen_random_uuid(), 'ASKER', 's', 'claude', 'Bash', '{}', '/', now() + interval '1 hour') returning id`;
		const [{id} = {id: 0}] = JSON.parse(await home.output(['sql', '--json', ask])) as {id: number}[];
		await home.output([
			'sql',
			`update mux_approvals set state = 'denied', decided_by = 'HUMAN', reason = 'no' where id = ${id}`,
		]);
		const text = (await home.output(['timeline', '--since', since])).trimEnd().split('\n');
		expect(text.map(line => line.replace(/^\d\d:\d\d:\d\d/, 'TIME'))).toEqual([
			'TIME  ASKER  paused by HUMAN: lunch',
			'TIME  ASKER  resumed by HUMAN',
			`TIME  ASKER  asks for permission: Bash  request #${id}`,
			`TIME  ASKER  request #${id} denied by HUMAN: no`,
		]);
		const lines = (await home.output(['timeline', '--since', since, '--json'])).trimEnd().split('\n');
		expect(lines.map(line => JSON.parse(line) as Row)).toMatchObject([
			{type: 'pause', tag: 'ASKER', state: 'paused', reason: 'HUMAN: lunch'},
			{type: 'pause', tag: 'ASKER', state: 'resumed'},
			{type: 'approval', approval_id: id, state: 'waiting', reason: 'Bash'},
			{type: 'approval', approval_id: id, state: 'denied'},
		]);
	});

	test('reads as many pages as there are', async () => {
		await home.output([
			'sql',
			`insert into messages (content) select '[BULK] ' || n from generate_series(1, 2100) as n`,
		]);
		await home.output([
			'sql',
			`insert into events (kind, at, tag, state) select 'presence', now(), 'BULK', 'idle' from generate_series(1, 2100)`,
		]);
		const rows = (await home.output(['timeline', '--json']))
			.trimEnd()
			.split('\n')
			.map(line => JSON.parse(line) as Row);
		const bulk = rows.filter(({tag}) => tag === 'BULK');
		expect(bulk.filter(({type}) => type === 'message').map(({body}) => Number(body))).toEqual(
			Array.from({length: 2100}, (_, index) => index + 1),
		);
		expect(new Set(bulk.filter(({type}) => type === 'presence').map(({id}) => id)).size).toBe(2100);
	});

	test('shows since when an agent has been gone', async () => {
		await home.output([
			'sql',
			`insert into agents (tag, presence, joined_at, last_seen_at)
			values ('GHOST', 'working', now() - interval '1 hour', now() - interval '1 hour')`,
		]);
		const rows = (await home.output(['timeline', '--json']))
			.trimEnd()
			.split('\n')
			.map(line => JSON.parse(line) as Row);
		const ghost = rows.filter(({tag}) => tag === 'GHOST');
		expect(ghost.map(({state}) => state)).toEqual(['working', 'gone']);
		expect(Date.parse(String(ghost[1]?.['at'])) - Date.parse(String(ghost[0]?.['at']))).toBeCloseTo(300_001, -1);
	});
});

describe('a time on the command line', () => {
	const now = new Date(2026, 10, 20, 14, 30, 15).getTime();
	const at = (...parts: [number, number, number, number?, number?, number?]) => new Date(...parts).getTime();

	test.each([
		['now', now, now],
		['90s', now - 90_000, now + 90_000],
		['30m', now - 1_800_000, now + 1_800_000],
		['30min', now - 1_800_000, now + 1_800_000],
		['2h', now - 7_200_000, now + 7_200_000],
		['7d', now - 604_800_000, now + 604_800_000],
		['2w', now - 1_209_600_000, now + 1_209_600_000],
		['9:05', at(2026, 10, 20, 9, 5), at(2026, 10, 21, 9, 5)],
		['14:30', at(2026, 10, 20, 14, 30), at(2026, 10, 21, 14, 30)],
		['14:30:15', now, now],
		['18:00', at(2026, 10, 19, 18), at(2026, 10, 20, 18)],
		['today', at(2026, 10, 20), at(2026, 10, 20)],
		['yesterday', at(2026, 10, 19), at(2026, 10, 19)],
		['tomorrow', at(2026, 10, 21), at(2026, 10, 21)],
		['2026-11-19', at(2026, 10, 19), at(2026, 10, 19)],
		['2026-11-19T08:00', at(2026, 10, 19, 8), at(2026, 10, 19, 8)],
		['2026-11-19 08:00:07', at(2026, 10, 19, 8, 0, 7), at(2026, 10, 19, 8, 0, 7)],
		['2026-11-19T08:00:00Z', Date.parse('2026-11-19T08:00:00Z'), Date.parse('2026-11-19T08:00:00Z')],
		['2026-11-19T08:00:00.25+05:30', Date.UTC(2026, 10, 19, 2, 30, 0, 250), Date.UTC(2026, 10, 19, 2, 30, 0, 250)],
		['2026-11-19 08:00:00-08', Date.UTC(2026, 10, 19, 16), Date.UTC(2026, 10, 19, 16)],
	])('%s is understood, for the past and for the future', (text, past, future) => {
		expect(timeFlag({since: text}, 'since', 'past', now)).toBe(past);
		expect(timeFlag({runAt: text}, 'runAt', 'future', now)).toBe(future);
	});

	const refused = [
		'',
		'soon',
		'7',
		'2026',
		'-2h',
		'2 h',
		'1.5h',
		'25:00',
		'12:75',
		'2026-13-01',
		'2026-02-30',
		'May 1',
	];
	const beyond = [
		'0026-01-01',
		'999999w',
		'2026-01-01T00:00+25:00',
		'2026-01-01T24:00',
		'2026-11-20T14',
		'constructor',
	];
	test.each([...refused, ...beyond])('`%s` is refused', text => {
		expect(() => timeFlag({since: text}, 'since', 'past', now)).toThrow(/is not a time/);
		expect(() => timeFlag({runAt: text}, 'runAt', 'future', now)).toThrow(/\(--run-at\) is not a time/);
	});
});
