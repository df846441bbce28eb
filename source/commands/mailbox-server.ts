import {StdioServerTransport} from '@modelcontextprotocol/sdk/server/stdio.js';
import type {Presence} from '../mailbox/agent.ts';
import {MailboxError} from '../mailbox/error.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import type {Tag} from '../mailbox/tag.ts';
import {withAfterAnswer} from '../mcp/after-answer.ts';
import {createMailboxServer} from '../mcp/server.ts';
import {version} from '../hub/version.ts';
import type {Invocation} from './command.ts';
import {openMailbox} from './connect.ts';
import {remark} from './output.ts';

/** Milliseconds: while the client lives, its agent is seen so often. */
const seenEvery = 60_000;
/** Milliseconds that the last receipts and the good-bye may take. */
const partingPatience = 2000;

/** Serves one agent's mailbox until the client closes stdin. Answers at once; the hub is started meanwhile. */
export async function serveMailbox(invocation: Invocation, tag: Tag): Promise<void> {
	const {stdin, stdout, stderr} = invocation;
	const say = (error: unknown): void =>
		remark(stderr, error instanceof MailboxError ? error.sentence : `Something went wrong: ${String(error)}`);
	let opened: Promise<Mailbox> | null = null;
	const mailbox = (): Promise<Mailbox> => {
		opened ??= openMailbox(invocation, {as: tag, kind: 'agent'}).catch((error: unknown) => {
			opened = null;
			throw error;
		});
		return opened;
	};
	const seen = async (presence?: Presence): Promise<void> => {
		await (await mailbox()).touch(presence === undefined ? {} : {presence});
	};

	// What is written to a reader that went away is lost: its callback is told so.
	const flushed = (): Promise<void> =>
		new Promise((resolve, reject) => {
			stdout.write('', error => (error ? reject(error) : resolve()));
		});
	const transport = withAfterAnswer(new StdioServerTransport(stdin, stdout), {flushed, failed: say});
	const server = createMailboxServer({tag, mailbox, afterAnswer: transport.afterAnswer.bind(transport)}, version);
	const gone = Promise.withResolvers<void>();
	for (const event of ['end', 'close', 'error'] as const) stdin.once(event, () => gone.resolve());
	for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => gone.resolve());
	await server.connect(transport);
	seen('idle').catch(say);
	const timer = setInterval(() => void seen().catch(say), seenEvery);
	await gone.promise;
	clearInterval(timer);

	const parting = async (): Promise<void> => {
		await transport.settled();
		if (opened !== null) await seen('away');
	};
	await Promise.race([parting().catch(say), new Promise(resolve => setTimeout(resolve, partingPatience))]);
	await server.close();
}
