import {setTimeout as sleep} from 'node:timers/promises';
import {MailboxError} from '../../source/mailbox/error.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import {query} from '../faults/writers.ts';
import type {TestHub} from '../helpers/hub.ts';

/**
 * More than any of what is bounded holds: the screen's window (5,500 messages, with their receipts), its lines that were laid
 * out, the newest rows that the screen and tail know to notice another history (8,192), finished tasks (1,000). Until these are
 * full, memory grows as it should; with 10 messages a second that would take 20 minutes.
 */
export const filling = {messages: 12_000, tasks: 1_200};
/** Of one statement, which the followers hear of as one. */
const batch = 500;

/**
 * Writes and hands over messages, and adds tasks that are done. `tags`: of the mailboxes. `shown` resolves when so many messages
 * were shown: a follower that falls behind holds more for a while, which is no part of what is measured.
 */
export async function fill(
	hub: TestHub,
	tags: readonly string[],
	mailboxes: readonly Mailbox[],
	shown: (messages: number) => Promise<void>,
): Promise<void> {
	const names = tags.map(tag => `'${tag}'`).join();
	const rounds = filling.messages / batch;
	const tasks = filling.tasks / rounds;
	for (let round = 0; round < rounds; round += 1) {
		const [first, last] = [round * batch, (round + 1) * batch - 1];
		await query(
			hub,
			`insert into messages (content) select '[' || tags[n % ${tags.length} + 1] || '] @' || tags[(n + 1) % ${tags.length} + 1]
				|| ' message ' || n || ' of the first: the build is green'
			from generate_series(${first}, ${last}) as n, (select array[${names}] as tags) as all_tags`,
		);
		await query(
			hub,
			`insert into tasks (title, status, attempts, progress, result)
			select 'task ' || n || ' of the first', 'done', 1, 1, '{"ok": true}'
			from generate_series(${round * tasks}, ${(round + 1) * tasks - 1}) as n`,
		);
		await Promise.all(mailboxes.map(mailbox => again(() => handOver(mailbox))));
		await shown((round + 1) * batch);
	}
}

/** As fast as all can follow is more than the hub answers in time: who is told to try again later does. */
async function again<Result>(work: () => Promise<Result>): Promise<Result> {
	for (let tries = 0; ; tries += 1) {
		try {
			return await work();
		} catch (error) {
			if (!(error instanceof MailboxError) || error.code !== 'offline' || tries === 20) throw error;
			await sleep(1000);
		}
	}
}

async function handOver(mailbox: Mailbox): Promise<void> {
	for (;;) {
		const taken = await mailbox.take({limit: batch, route: 'hook', takeId: crypto.randomUUID()});
		if (taken.length === 0) return;
		const ids = taken.map(({id}) => id);
		await mailbox.deliver(ids, 'hook');
		await mailbox.ack(ids, 'mcp');
	}
}
