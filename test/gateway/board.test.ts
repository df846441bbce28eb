import {afterAll, beforeAll, expect, test} from 'vitest';
import {connectMailbox} from '../../source/gateway/connect.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import {addresses, type Message} from '../../source/mailbox/message.ts';
import type {Task} from '../../source/mailbox/task.ts';
import {startTestHub, type TestHub} from '../helpers/hub.ts';

let hub: TestHub;
beforeAll(async () => {
	hub = await startTestHub();
});
afterAll(() => hub.stop());

const open = (tag: string, kind: 'agent' | 'human' = 'agent'): Mailbox =>
	connectMailbox({url: hub.url, key: hub.anonKey, token: hub.tokenFor(tag, kind)});

/**
 * What a client with hooks does, without a model: it is idle until it is woken, takes its mail, claims what there is, and ends its turn
 * when there is nothing more. `work` says how a task ends.
 */
class Executor {
	readonly mailbox: Mailbox;
	/** The tasks that it ended, once for each attempt. */
	readonly ended: number[] = [];
	turns = 0;
	readonly #tag: string;
	readonly #work: (task: Task) => 'done' | 'failed' | 'dead';
	readonly #unsubscribe: () => void;
	#turn: Promise<void> | null = null;

	constructor(tag: string, work: (task: Task) => 'done' | 'failed' | 'dead') {
		this.#tag = tag;
		this.#work = work;
		this.mailbox = open(tag);
		this.#unsubscribe = this.mailbox.subscribe(event => {
			if (event.type === 'messages' && event.messages.some(message => addresses(message, tag))) this.#ring();
		});
	}

	async start(): Promise<void> {
		await this.mailbox.touch({presence: 'idle', session: this.#tag, wake: 'bell'});
	}

	async close(): Promise<void> {
		this.#unsubscribe();
		await this.#turn;
		// Otherwise it would be offered tasks for as long as it counts as alive.
		await this.mailbox.touch({presence: 'away', session: this.#tag});
		await this.mailbox.close();
	}

	#ring(): void {
		this.#turn ??= this.#wake().finally(() => (this.#turn = null));
	}

	async #wake(): Promise<void> {
		const session = this.#tag;
		// Its end is where a message that came meanwhile is seen.
		while ((await this.mailbox.wake(session)).length > 0) {
			this.turns += 1;
			await this.mailbox.touch({presence: 'working', session});
			const mail = await this.mailbox.take({route: 'wake', session});
			await this.mailbox.deliver(
				mail.map(({id}) => id),
				'wake',
				session,
			);
			for (let task = await this.#next(); task !== null; task = await this.#next()) await this.#finish(task);
			await this.mailbox.endTurn(session);
			await this.mailbox.touch({presence: 'idle', session});
		}
	}

	#next(): Promise<Task | null> {
		return this.mailbox.tasks.claim({hold: 1, lease: 900});
	}

	async #finish(task: Task): Promise<void> {
		const how = this.#work(task);
		const outcome = {ok: how === 'done', ...(how === 'done' ? {} : {error: 'no luck', dead: how === 'dead'})};
		await this.mailbox.tasks.finish(task.id, task.lease_token, outcome);
		this.ended.push(task.id);
	}
}

/** Resolves with what SYSTEM told, once `isEnough`. */
function told(mailbox: Mailbox, isEnough: (bodies: readonly string[]) => boolean): Promise<readonly string[]> {
	const bodies: string[] = [];
	return new Promise(resolve => {
		const take = (messages: readonly Message[]): void => {
			bodies.push(...messages.filter(({tag}) => tag === 'SYSTEM').map(({body}) => body));
			if (isEnough(bodies)) resolve(bodies);
		};
		mailbox.subscribe(event => {
			if (event.type === 'messages') take(event.messages);
		});
	});
}

test.each([1, 2])(
	'a plan of 100 steps ends by itself with %i executor(s), though every tenth step fails once and one for good, and is told once',
	{timeout: 240_000},
	async count => {
		const failedOnce = (task: Task): boolean => task.position % 10 === 0 && task.attempts === 1;
		const tags = Array.from({length: count}, (_, at) => `EXECUTOR_${count}_${at + 1}`);
		const executors = tags.map(
			tag => new Executor(tag, task => (task.position === 55 ? 'dead' : failedOnce(task) ? 'failed' : 'done')),
		);
		const planner = open(`PLANNER_${count}`);
		const human = open('HUMAN', 'human');
		try {
			await human.touch({});
			await planner.touch({presence: 'working', session: 'planner', wake: 'bell'});
			for (const executor of executors) await executor.start();
			const toPlanner = (body: string): boolean => body.startsWith(`@PLANNER_${count} `);
			const hears = told(human, bodies => bodies.some(toPlanner));
			const steps = Array.from({length: 100}, (_, at) => ({title: `step ${at + 1}`}));
			const [plan, ...rows] = await planner.tasks.plan({title: 'the plan'}, steps, false);
			const bodies = await hears;
			const dead = rows[54];
			const line = `Plan #${plan?.id} "the plan" has failed: 99 of 100 steps done, 1 dead. Step #${dead?.id} is dead: "no luck".`;
			expect(bodies.filter(toPlanner)).toEqual([`@PLANNER_${count} ${line}`]);
			expect((await human.inbox('HUMAN')).map(({body}) => body)).toContain(`@HUMAN ${line}`);
			const ended = executors.flatMap(executor => executor.ended);
			expect(ended).toHaveLength(110);
			expect(new Set(ended)).toEqual(new Set(rows.map(({id}) => id)));
			// Woken for what became ready, not for each step.
			const woken = bodies.filter(body => body.includes('is ready for you'));
			expect(woken.length).toBeGreaterThan(0);
			expect(woken.length).toBeLessThan(15);
			// Nobody was told of what it did itself.
			for (const tag of tags) {
				expect(bodies.filter(body => body.startsWith(`@${tag} `) && !body.includes('is ready for you'))).toEqual([]);
			}
		} finally {
			for (const executor of executors) await executor.close();
			await planner.close();
			await human.close();
		}
	},
);
