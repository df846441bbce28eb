import {setTimeout as sleep} from 'node:timers/promises';
import fc from 'fast-check';
import {expect, test} from 'vitest';
import {connectMailbox} from '../../source/gateway/connect.ts';
import {isBeyond} from '../../source/gateway/rest/position.ts';
import type {Cursor, MailboxEvent} from '../../source/mailbox/event.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import {keyOf} from './history.ts';
import {ModelSupabase} from './supabase.ts';

/** Scripts that are tried; each takes about a second, since the gateway's own timers run. */
const runs = Number(process.env['MODEL_RUNS'] ?? 16);

/** A program that follows the mailbox through the real gateway, keeps its cursor, and can be killed. */
class Follower {
	/** What it received since its last start. */
	told: string[] = [];
	/** What it received before its last start. */
	readonly before = new Set<string>();
	/** Of that, what may be told again: it lies beyond the cursor that was kept, or that is of a history which is gone. */
	readonly again = new Set<string>();
	/** What it shows: a screen reads anew what another history has. */
	readonly shown = new Set<string>();
	readonly cable;
	#cursor: Cursor = {epoch: '1', xid: '0', id: 0};
	#phase = '';
	#mailbox: Mailbox | null = null;
	readonly #supabase: ModelSupabase;

	constructor(supabase: ModelSupabase) {
		this.#supabase = supabase;
		this.cable = supabase.cable();
		this.#live();
	}

	get isLive(): boolean {
		return this.#phase === 'live';
	}

	/** Killed and started again, with the cursor that it kept. */
	kill(): void {
		void this.#mailbox?.close();
		const {at} = this.#cursor;
		const isThere = this.#supabase.history.committed.some(({created_at}) => Date.parse(created_at) === at);
		for (const key of this.told) this.before.add(key);
		const {beyond} = this;
		for (const key of isThere ? beyond : this.before) this.again.add(key);
		this.told = [];
		this.#live();
	}

	/** What it received beyond the cursor. */
	get beyond(): string[] {
		const {ever} = this.#supabase.history;
		return ever.filter(message => this.before.has(keyOf(message)) && isBeyond(message, this.#cursor)).map(keyOf);
	}

	async end(): Promise<void> {
		await this.#mailbox?.close();
	}

	#live(): void {
		this.#phase = '';
		const timing = {idle: 30, delayAfter: () => 5};
		const target = {url: 'http://model.test', key: 'key', transport: this.cable.transport};
		const mailbox = connectMailbox({...target, timing, timeout: 60});
		this.#mailbox = mailbox;
		mailbox.subscribe((event: MailboxEvent) => {
			if (this.#mailbox !== mailbox) return;
			if (event.type === 'connection') this.#phase = event.connection.phase;
			if (event.type === 'cursor') this.#cursor = event.cursor;
			if (event.type === 'replaced') this.shown.clear();
			if (event.type !== 'messages') return;
			for (const message of event.messages) {
				this.told.push(keyOf(message));
				this.shown.add(keyOf(message));
			}
		}, this.#cursor);
	}
}

const act = (weight: number, name: string) => ({weight, arbitrary: fc.record({do: fc.constant(name), n: fc.nat(30)})});
const step = fc.oneof(
	act(6, 'post'),
	act(3, 'begin'),
	act(5, 'insert'),
	act(4, 'commit'),
	act(1, 'abort'),
	act(5, 'wait'),
	act(2, 'cut'),
	act(1, 'stall'),
	act(2, 'mend'),
	act(2, 'deafen'),
	act(1, 'crash'),
	act(2, 'copy'),
	act(2, 'putBack'),
	act(1, 'announce'),
	act(1, 'kill'),
);

async function until(condition: () => boolean, what: () => string): Promise<void> {
	for (const end = performance.now() + 20_000; !condition();) {
		if (performance.now() > end) throw new Error(what());
		await sleep(5);
	}
}

test(
	'every committed message is delivered once to every follower, whatever the connection does',
	{timeout: 60_000 + runs * 2000},
	async () => {
		const script = fc.array(step, {minLength: 15, maxLength: 60});
		await fc.assert(
			fc.asyncProperty(script, async steps => {
				const supabase = new ModelSupabase();
				const {history} = supabase;
				const followers = [new Follower(supabase), new Follower(supabase)];
				const pick = <T>(from: readonly T[], n: number): T | undefined => from[n % from.length];
				const xid = (n: number): number => pick([...history.open.keys()], n) ?? 0;
				const cable = (n: number) => pick(followers, n)?.cable;
				const actions: Record<string, (n: number) => unknown> = {
					post: () => supabase.post(),
					begin: () => history.begin(),
					insert: n => history.insert(xid(n)),
					commit: n => supabase.commit(xid(n)),
					abort: n => history.end(xid(n), false),
					wait: n => sleep(n),
					cut: n => {
						const one = cable(n);
						if (one !== undefined) one.state = 'cut';
						one?.breakAll();
					},
					stall: n => Object.assign(cable(n) ?? {}, {state: 'stalled'}),
					mend: n => Object.assign(cable(n) ?? {}, {state: 'open'}),
					deafen: n => Object.assign(cable(n) ?? {}, {deaf: 1 + (n % 3)}),
					crash: () => supabase.restart(() => history.crash()),
					copy: () => history.copy(),
					putBack: n => supabase.restart(() => history.putBack(n % 2 === 0)),
					announce: () => (history.generation += 1),
					kill: n => pick(followers, n)?.kill(),
				};
				try {
					await until(
						() => followers.every(({isLive}) => isLive),
						() => 'never live at the start',
					);
					for (const {do: name, n} of steps) await actions[name]?.(n);
					supabase.heal();
					for (const open of history.open.keys()) supabase.commit(open);
					supabase.post();
					const all = history.committed.map(keyOf);
					const last = all.at(-1) ?? '';
					const say = (): string =>
						JSON.stringify({all, followers: followers.map(({told, shown}) => ({told, shown: [...shown]}))});
					await until(() => followers.every(({isLive, told}) => isLive && told.includes(last)), say);
					for (const {told, before, again, shown} of followers) {
						const now = new Set(told);
						// Once.
						expect(told).toHaveLength(now.size);
						expect(told.filter(key => before.has(key) && !again.has(key))).toEqual([]);
						// Every one.
						expect(all.filter(key => !now.has(key) && !before.has(key))).toEqual([]);
						// And nothing that is not there, but for what a copy lacks that has what was committed after it.
						await until(() => [...shown].every(key => all.includes(key) || history.overtaken.has(key)), say);
					}
				} finally {
					for (const follower of followers) await follower.end();
				}
			}),
			{numRuns: runs, endOnFailure: process.env['MODEL_RUNS'] === undefined},
		);
	},
);
