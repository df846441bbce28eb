import {createInterface} from 'node:readline';
import type {ChildProcess} from 'node:child_process';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {connectMailbox} from '../../source/gateway/connect.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import type {Message} from '../../source/mailbox/message.ts';
import {hear} from '../helpers/hear.ts';
import {startTestHub, type TestHub} from '../helpers/hub.ts';
import {Home} from '../helpers/program.ts';

let hub: TestHub;
const mailboxes: Mailbox[] = [];
const tails: ChildProcess[] = [];

beforeAll(async () => {
	hub = await startTestHub();
});
afterAll(async () => {
	for (const tail of tails) tail.kill();
	for (const mailbox of mailboxes) await mailbox.close();
	await hub.stop();
});

function open(tag: string): Mailbox {
	const mailbox = connectMailbox({url: hub.url, key: hub.anonKey, token: hub.tokenFor(tag)});
	mailboxes.push(mailbox);
	return mailbox;
}

/** The ids that `agentmux tail --follow` prints, as they come. */
function tail(): number[] {
	const child = Home.at(hub.home).start(['tail', '--follow', '--json', '-n', '0']);
	tails.push(child);
	const ids: number[] = [];
	createInterface({input: child.stdout}).on('line', line => ids.push((JSON.parse(line) as Message).id));
	return ids;
}

test('two tails and a subscriber show what 16 writers post in one order: that of the ids', async () => {
	const [one, other] = [tail(), tail()];
	const heard = hear(open('READER'));
	await heard.live();
	const first = open('W0');
	// Until both tails follow.
	await expect
		.poll(
			async () => {
				await first.post({content: '[W0] anybody there?'});
				return one.length > 0 && other.length > 0;
			},
			{timeout: 40_000, interval: 200},
		)
		.toBe(true);
	const from = Math.max(one[0] ?? 0, other[0] ?? 0, heard.messages[0]?.id ?? 0);
	const posted = await Promise.all(
		Array.from({length: 16}, async (_, writer) => {
			const mailbox = open(`W${writer}`);
			const ids: number[] = [];
			for (let n = 0; n < 25; n++) ids.push((await mailbox.post({content: `[W${writer}] ${n}`})).id);
			return ids;
		}),
	);
	const shown = (): number[][] =>
		[one, other, heard.messages.map(({id}) => id)].map(ids => ids.filter(id => id >= from));
	await expect
		.poll(() => shown().every(ids => posted.flat().every(id => ids.includes(id))), {timeout: 30_000, interval: 100})
		.toBe(true);
	for (const ids of shown()) {
		expect(new Set(ids).size).toBe(ids.length);
		// A transaction that stays open for longer than a follower waits is shown when it has ended. On a machine that makes one
		// wait that long, that is a few; without the order it was one in forty.
		const late = ids.filter((id, at) => at > 0 && id < (ids[at - 1] ?? 0));
		expect(late.length).toBeLessThanOrEqual(ids.length / 100);
	}
});
