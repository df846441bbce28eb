import {execFile} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {describe, expect, test} from 'vitest';
import type {HandedOver} from '../helpers/story-stage.ts';

/** The path of the real client and its scripted model (390 MB); without it, the tests are skipped. */
const harness = process.env['AGENTMUX_REAL_CLAUDE'] ?? '';

interface Told {
	/** What the human was told, and how many milliseconds after it had happened; and agents. */
	readonly told: readonly {readonly what: string; readonly ms: number}[];
	readonly woken: Told['told'];
	readonly handedOver: readonly HandedOver[];
	readonly messages: readonly {
		readonly id: number;
		readonly tag: string;
		readonly body: string;
		readonly reader: string | null;
		readonly state: string | null;
	}[];
	readonly board: readonly object[];
	readonly accepted: readonly number[];
	readonly orders: readonly object[];
}

/** Plays a story, prints how soon who was told what, and checks what holds for each: no message twice without a label. */
async function play(story: string, kill = 'agent'): Promise<Told> {
	const driver = fileURLToPath(new URL('../fixtures/stories.ts', import.meta.url));
	const words = [process.execPath, driver, harness, story, kill];
	const {stdout} = await promisify(execFile)(`${harness}/sealed.sh`, words, {maxBuffer: 1 << 28});
	const result = JSON.parse(stdout) as Told;
	const times = [...result.told, ...result.woken].map(({what, ms}) => `${what}: ${(ms / 1000).toFixed(1)} s`);
	process.stdout.write(`${story}, ${kill}: ${times.join('; ')}\n`);
	expect(result.told.filter(({ms}) => ms >= 10_000)).toEqual([]);
	expect(result.handedOver.filter(({plain}) => plain > 1)).toEqual([]);
	return result;
}

/** What agents and SYSTEM said: from whom, and how it begins. */
const sayings = ({messages}: Told): string[] => [...new Set(messages.map(({id, tag, body}) => `${id} ${tag} ${body}`))];
const saying = (result: Told, text: string): number => sayings(result).filter(each => each.includes(text)).length;
/** Those that came to a model a second time. */
const repeated = ({handedOver}: Told): string[] =>
	handedOver.flatMap(({agent, again}) => again.map(label => `${agent} ${label}`));

/** `late`: an agent, in a later stage of the story. The responder had read its report then, and its user has to type `Go on.` */
const kills = ['agent', 'hub', 'both', 'late'] as const;
/** Who is killed, in the middle and in a later stage. Only its mail may come again, and says so; at which moment it dies is chance. */
const again = (result: Told, kill: string, [middle, late]: readonly [string, string]): string[] =>
	kill === 'hub' ? [] : repeated(result).filter(label => label !== `${kill === 'late' ? late : middle} 2nd`);

describe.runIf(harness !== '')('with real interactive terminals, and nobody who types but the first prompt', () => {
	test.each(kills)(
		'researcher and writer finish; killed in the middle: %s',
		async kill => {
			const result = await play('researcher-writer', kill);
			expect(saying(result, 'How long is a synodic month?')).toBe(1);
			expect(saying(result, '29.530588')).toBe(1);
			// After both have died, the hub may have told the human of the agent before that is back.
			expect(result.messages.filter(({tag}) => tag !== 'SYSTEM')).toMatchObject([
				{reader: 'RESEARCHER', state: 'acked'},
				{reader: 'WRITER', state: 'acked'},
			]);
			expect(again(result, kill, ['RESEARCHER', 'WRITER'])).toEqual([]);
		},
		300_000,
	);

	test.each(kills)(
		'monitor and responder finish; killed in the middle: %s',
		async kill => {
			const result = await play('monitor-responder', kill);
			expect(result.orders).toEqual([{id: 1001, state: 'held'}]);
			expect(saying(result, 'MONITOR @RESPONDER Order 1001')).toBe(1);
			expect(saying(result, 'RESPONDER @MONITOR Held order 1001')).toBe(1);
			expect(saying(result, 'SYSTEM orders ')).toBe(2);
			expect(again(result, kill, ['RESPONDER', 'RESPONDER'])).toEqual([]);
		},
		300_000,
	);

	test.each(kills)(
		'planner and executor finish; killed in the middle: %s',
		async kill => {
			const result = await play('planner-executor', kill);
			expect(result.board).toMatchObject([1, 2, 3, 4].map(id => ({id, status: 'done'})));
			expect(result.accepted).toEqual([2, 3, 4]);
			expect(saying(result, 'PLANNER @HUMAN The page is in site/')).toBe(1);
			expect(saying(result, 'is through: 3 of 3 steps done')).toBe(1);
			expect(again(result, kill, ['EXECUTOR', 'PLANNER'])).toEqual([]);
		},
		300_000,
	);

	test('a model that ended its turn while it holds a step is woken for it, once, and the plan goes on', async () => {
		const result = await play('held');
		expect(result.accepted).toEqual([2, 3, 4]);
		expect(saying(result, 'You hold #2: go on with it, or finish_task.')).toBe(1);
	}, 300_000);

	test('if it does not go on then, either, its planner and the human are told', async () => {
		const result = await play('still');
		expect(saying(result, 'You hold #2: go on with it, or finish_task.')).toBe(1);
		expect(saying(result, 'SYSTEM @HUMAN Task #2 "Choose the cities" stands still')).toBe(1);
		expect(saying(result, 'SYSTEM @PLANNER Task #2 "Choose the cities" stands still')).toBe(1);
	}, 300_000);
});
