import {StdioServerTransport} from '@modelcontextprotocol/sdk/server/stdio.js';
import {isShared, type Agent, type Presence, type Wake} from '../../mailbox/agent.ts';
import {bellFile, ringBell} from '../../join/hook/bell.ts';
import {clientKey, isInteractive} from '../../join/clients/client.ts';
import {claimClient} from '../../join/clients/client-owner.ts';
import {clientSocket, sayTo} from '../../join/clients/client-socket.ts';
import {clientStatus} from '../../join/clients/client-status.ts';
import {Turn} from '../../join/clients/turn.ts';
import {keepAwake, type Way} from '../../join/waker.ts';
import {MailboxError} from '../../mailbox/error.ts';
import type {Unsubscribe} from '../../mailbox/event.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {Tag} from '../../mailbox/tag.ts';
import {withAfterAnswer} from '../../mcp/session/after-answer.ts';
import {createMailboxServer} from '../../mcp/server.ts';
import {version} from '../../hub/files/version.ts';
import {findPaths} from '../../paths.ts';
import type {Invocation} from '../cli/command.ts';
import {openMailbox} from '../connect/connect.ts';
import {remark} from '../cli/output.ts';
import {keepHeapSmall} from '../screen/small-heap.ts';

/** Milliseconds: while the client lives, its agent is seen so often. */
const seenEvery = 60_000;
/** Milliseconds that the last receipts and the good-bye may take. */
const partingTimeout = 2000;

/**
 * Serves one agent's mailbox until the client closes stdin, and wakes that client when mail comes while it is idle. Answers at
 * once; the hub is started meanwhile.
 */
export async function serveMailbox(invocation: Invocation, tag: Tag): Promise<void> {
	const {env, stdin, stdout, stderr} = invocation;
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
	const client = clientKey(env, null);
	const disclaim = claimClient(findPaths(env).state, env, tag);
	const ways = waysTo(env, tag);
	let wake: Wake | 'none' = ways[0]?.name ?? 'none';
	/** Whether another client works under the tag. */
	let shared = false;
	const awake: Unsubscribe[] = [];
	const turn = new Turn({status: () => clientStatus(env), onEnd: () => void seen('idle').catch(say)});

	const seen = async (presence?: Presence): Promise<void> => {
		const open = await mailbox();
		// A client that says who it is tells by its hooks what it does.
		const told = client === null ? {} : {session: client, wake};
		const agent = await open.touch({...told, ...(presence === undefined ? {} : {presence})});
		onAgent(agent);
		// Not at the good-bye: its clock would outlive the client.
		if (presence === 'away' || ways.length === 0 || awake.length > 0) return;
		awake.push(keepAwake({mailbox: open, tag, ways, onChange, onAgent, onReplaced: () => void seen().catch(say)}));
	};
	function onAgent(agent: Agent): void {
		shared = isShared(agent, Date.now());
		turn.follow(agent.presence === 'working' || agent.presence === 'blocked');
	}
	function onChange(now: Wake | 'none'): void {
		if (now === wake) return;
		wake = now;
		if (now === 'none') remark(stderr, `${tag} cannot be woken: it reads its mail at its next turn.`);
		seen().catch(say);
	}

	// What is written to a reader that went away is lost: its callback is told so.
	const flushed = (): Promise<void> =>
		new Promise((resolve, reject) => {
			stdout.write('', error => (error ? reject(error) : resolve()));
		});
	const transport = withAfterAnswer(new StdioServerTransport(stdin, stdout), {flushed, failed: say});
	const session = {tag, mailbox, afterAnswer: transport.afterAnswer.bind(transport), isShared: () => shared};
	const server = createMailboxServer(session, version);
	const gone = Promise.withResolvers<void>();
	for (const event of ['end', 'close', 'error'] as const) stdin.once(event, () => gone.resolve());
	// Other commands end at once when nobody reads them: this one has mail to give back.
	stdout.removeAllListeners('error').on('error', () => gone.resolve());
	for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => gone.resolve());
	await server.connect(transport);
	keepHeapSmall();
	seen(client === null ? 'idle' : undefined).catch(say);
	const timer = setInterval(() => void seen().catch(say), seenEvery);
	await gone.promise;
	clearInterval(timer);
	disclaim();
	for (const end of awake) end();
	turn.end();

	const parting = async (): Promise<void> => {
		await transport.settled();
		if (opened !== null) await seen('away');
		// Nobody reads the answers to open calls: they are given up, and give back what they took.
		await server.close();
		await transport.settled();
	};
	await Promise.race([parting().catch(say), new Promise(resolve => setTimeout(resolve, partingTimeout))]);
}

/** How the client that started this can be woken: by the file that its hooks watch, else by its own socket. */
function waysTo(env: NodeJS.ProcessEnv, tag: Tag): Way[] {
	if (!isInteractive(env)) return [];
	const bell = bellFile(findPaths(env).state, tag);
	const socket = clientSocket(env);
	return [
		{name: 'bell', ring: async () => ringBell(bell)},
		...(socket === null ? [] : [{name: 'socket', ring: (text: string) => sayTo(socket, text)} as const]),
	];
}
