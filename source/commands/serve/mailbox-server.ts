import {StdioServerTransport} from '@modelcontextprotocol/sdk/server/stdio.js';
import {isShared, type Agent, type Presence, type Wake} from '../../mailbox/agent.ts';
import {bellFile, ringBell} from '../../join/hook/bell.ts';
import {clientKey, isInteractive} from '../../join/clients/client.ts';
import {claimClient} from '../../join/clients/client-owner.ts';
import {clientSocket, sendPrompt} from '../../join/clients/client-socket.ts';
import {clientStatus} from '../../join/clients/client-status.ts';
import {Turn} from '../../join/clients/turn.ts';
import {startWaker, type Way} from '../../join/waker.ts';
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

/** Milliseconds between two signs of life while the client lives. */
const signInterval = 60_000;
/** Milliseconds for the last receipts and the sign-off. */
const shutdownTimeout = 2000;

/**
 * Serves one agent's mailbox until the client closes stdin, and wakes that client if mail arrives while it is idle. It answers
 * immediately, while the hub is still being started.
 */
export async function serveMailbox(invocation: Invocation, tag: Tag): Promise<void> {
	const {env, stdin, stdout, stderr} = invocation;
	const say = (error: unknown): void =>
		remark(stderr, error instanceof MailboxError ? error.sentence : `Internal error: ${String(error)}`);
	let opened: Promise<Mailbox> | null = null;
	const mailbox = (): Promise<Mailbox> => {
		opened ??= openMailbox(invocation, {as: tag, kind: 'agent'}).catch((error: unknown) => {
			opened = null;
			throw error;
		});
		return opened;
	};
	const client = clientKey(env, null);
	const releaseClient = claimClient(findPaths(env).state, env, tag);
	const ways = waysTo(env, tag);
	let wake: Wake | 'none' = ways[0]?.name ?? 'none';
	/** Whether another client uses the tag. */
	let shared = false;
	const wakers: Unsubscribe[] = [];
	const turn = new Turn({status: () => clientStatus(env), onEnd: () => void sign('idle').catch(say)});

	const sign = async (presence?: Presence): Promise<void> => {
		const open = await mailbox();
		// A client that identifies itself reports its presence through its hooks.
		const identity = client === null ? {} : {session: client, wake};
		const agent = await open.touch({...identity, ...(presence === undefined ? {} : {presence})});
		onAgent(agent);
		// Not at the sign-off: its timer would outlive the client.
		if (presence === 'away' || ways.length === 0 || wakers.length > 0) return;
		wakers.push(startWaker({mailbox: open, tag, ways, onChange, onAgent, onReplaced: () => void sign().catch(say)}));
	};
	function onAgent(agent: Agent): void {
		shared = isShared(agent, Date.now());
		turn.follow(agent.presence === 'working' || agent.presence === 'blocked');
	}
	function onChange(now: Wake | 'none'): void {
		if (now === wake) return;
		wake = now;
		if (now === 'none') remark(stderr, `${tag} cannot be woken; it reads its mail at its next turn.`);
		sign().catch(say);
	}

	// Rejects if the reader went away, in which case the output is lost.
	const flushed = (): Promise<void> =>
		new Promise((resolve, reject) => {
			stdout.write('', error => (error ? reject(error) : resolve()));
		});
	const transport = withAfterAnswer(new StdioServerTransport(stdin, stdout), {flushed, failed: say});
	const session = {
		tag,
		mailbox,
		afterAnswer: transport.afterAnswer.bind(transport),
		isShared: () => shared,
		note: () => null,
	};
	const server = createMailboxServer(session, version);
	const gone = Promise.withResolvers<void>();
	for (const event of ['end', 'close', 'error'] as const) stdin.once(event, () => gone.resolve());
	// Other commands end immediately when nobody reads their output; this one has to give mail back first.
	stdout.removeAllListeners('error').on('error', () => gone.resolve());
	for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => gone.resolve());
	await server.connect(transport);
	keepHeapSmall();
	sign(client === null ? 'idle' : undefined).catch(say);
	const timer = setInterval(() => void sign().catch(say), signInterval);
	await gone.promise;
	clearInterval(timer);
	releaseClient();
	for (const stop of wakers) stop();
	turn.end();

	const shutDown = async (): Promise<void> => {
		await transport.settled();
		if (opened !== null) await sign('away');
		// Nobody reads the answers to open calls, so they are abandoned and give back the mail that they took.
		await server.close();
		await transport.settled();
	};
	await Promise.race([shutDown().catch(say), new Promise(resolve => setTimeout(resolve, shutdownTimeout))]);
}

/** The ways to wake the client that started this: the file that its hooks watch, then its own socket. */
function waysTo(env: NodeJS.ProcessEnv, tag: Tag): Way[] {
	if (!isInteractive(env)) return [];
	const bell = bellFile(findPaths(env).state, tag);
	const socket = clientSocket(env);
	return [
		{name: 'bell', ring: async () => ringBell(bell)},
		...(socket === null ? [] : [{name: 'socket', ring: (text: string) => sendPrompt(socket, text)} as const]),
	];
}
