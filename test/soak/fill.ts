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
const batch = 60;

/** Writes and hands over messages, and adds and finishes tasks, as fast as all can follow. `tags`: of the mailboxes. */
export async function fill(hub: TestHub, tags: readonly string[], mailboxes: readonly Mailbox[]): Promise<void> {
	const tasks = mailboxes.map(async mailbox => {
		for (let nth = 0; nth < filling.tasks / mailboxes.length; nth += 1) {
			await again(() => mailbox.tasks.add({title: `task ${nth} of the first`}));
			const task = await again(() => mailbox.tasks.claim());
			if (task !== null) await again(() => mailbox.tasks.finish(task.id, task.lease_token, {ok: true}));
		}
	});
	const names = tags.map(tag => `'${tag}'`).join();
	const messages = async (): Promise<void> => {
		for (let from = 0; from < filling.messages; from += batch) {
			await query(
				hub,
				`insert into messages (content) select '[' || tags[n % ${tags.length} + 1] || '] @' || tags[(n + 1) % ${tags.length} + 1]
					|| ' message ' || n || ' of the first: the build is green'
				from generate_series(${from}, ${from + batch - 1}) as n, (select array[${names}] as tags) as all_tags`,
			);
			await again(() => Promise.all(mailboxes.map(handOver)));
			await sleep(50);
		}
	};
	await Promise.all([messages(), ...tasks]);
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
	const taken = await mailbox.take({limit: batch, route: 'hook', takeId: crypto.randomUUID()});
	if (taken.length === 0) return;
	const ids = taken.map(({id}) => id);
	await mailbox.deliver(ids, 'hook');
	await mailbox.ack(ids, 'mcp');
}
