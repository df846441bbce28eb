import {StdioServerTransport} from '@modelcontextprotocol/sdk/server/stdio.js';
import {loadConfig} from '../../config.ts';
import {isShared, pausedNote, type Agent, type AgentUpdate, type Pause} from '../../mailbox/agent.ts';
import {actingTag} from '../../join/hook/agent-tag.ts';
import {bellFile} from '../../join/hook/bell.ts';
import {clientKey, isAskedFor, isHeadless, isInteractive} from '../../join/clients/client.ts';
import {claimClient, isSpokenFor} from '../../join/clients/client-owner.ts';
import {MailboxError} from '../../mailbox/error.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {Tag} from '../../mailbox/tag.ts';
import {sessionsFolder} from '../../join/hook/hook-session.ts';
import {withAfterAnswer} from '../../mcp/session/after-answer.ts';
import {createMailboxServer} from '../../mcp/server.ts';
import {Claims} from '../../mcp/session/claims.ts';
import {version} from '../../hub/files/version.ts';
import {findPaths} from '../../paths.ts';
import type {Invocation} from '../cli/command.ts';
import {refreshLaunchers} from '../cli/launcher.ts';
import {openMailbox} from '../connect/connect.ts';
import {remark} from '../cli/output.ts';
import {keepHeapSmall} from '../screen/small-heap.ts';
import {AtWork} from './at-work.ts';
import {checkJoined} from './check-joined.ts';
import {ClientWatch} from './client-watch.ts';
import {deadClients} from './dead-clients.ts';
import {SightKeeper} from './sight-keeper.ts';
import {StatusKeeper} from './status-keeper.ts';
import {untilItWorks} from './until-it-works.ts';

/** Milliseconds between two signs of life while the client lives. */
const signInterval = 60_000;
/** Milliseconds for the last receipts and the sign-off. */
const shutdownTimeout = 2000;

/**
 * Serves one agent's mailbox until the client closes stdin, and wakes that client if mail arrives while it is idle. It answers
 * immediately, while the hub is still being started. `written`: the agent according to join; AGENTMUX_TAG may name another.
 */
export async function serveMailbox(invocation: Invocation, written: Tag): Promise<void> {
	const {env, stdin, stdout, stderr, flags} = invocation;
	const tag = actingTag(written, env);
	const paths = findPaths(env);
	const say = (error: unknown): void => remark(stderr, sentenceOf(error));
	const {mailbox, isOpen} = opener(invocation, tag, () => checkJoined(tag, written, env, paths.data));
	const client = clientKey(env, null);
	const isGuest = isGuestRun(env, flags['headless'] === true, paths.state, tag);
	const claim = claimClient(paths.state, env, tag);
	let quiet = 60;
	const status = new StatusKeeper(paths.state, tag);
	const watch =
		client !== null && isInteractive(env)
			? new ClientWatch({
					env,
					tag,
					client,
					bell: bellFile(paths.state, tag),
					hooks: sessionsFolder(paths.state),
					quiet: () => quiet,
					mailbox,
					sign: update => sign(update),
					say,
					restore: () => refreshLaunchers(paths),
					onWaiting: count => (status.unread = count),
					onUnreachable: () => remark(stderr, `${tag} cannot be woken; it reads its mail at its next turn.`),
				})
			: null;
	/** Whether another client uses the tag. */
	let shared = false;
	let paused: Pause | null = null;

	const sign = async (update: Pick<AgentUpdate, 'presence' | 'quiet'> = {}): Promise<void> => {
		if (isGuest) return;
		const open = await mailbox();
		// A client that identifies itself reports its presence through its hooks.
		const identity = client === null ? {} : {session: client, wake: watch?.wake ?? 'none'};
		const agent = await open.touch({...identity, ...update});
		onAgent(agent);
		// Not at the sign-off: its timer would outlive the client.
		if (update.presence !== 'away')
			watch?.start(status.following(open), {onAgent, onReturn: () => void sign().catch(say)});
	};
	function onAgent(agent: Agent): void {
		shared = isShared(agent, Date.now());
		paused = agent.paused;
		watch?.onAgent(agent);
	}

	const transport = withAfterAnswer(new StdioServerTransport(stdin, stdout), {flushed: flusher(stdout), failed: say});
	const work = new AtWork({env, tag, state: paths.state, client});
	const session = {
		tag,
		client: client ?? undefined,
		mailbox,
		afterAnswer: transport.afterAnswer.bind(transport),
		isShared: () => shared,
		isAtWork: () => work.isAtWork(),
		onCall: () => work.onCall(),
		note: () => (paused === null ? (watch?.note ?? null) : pausedNote),
	};
	const claims = new Claims(session);
	const server = createMailboxServer(session, version, claims);
	const gone = endOf(invocation);
	await server.connect(transport);
	stdin.once('data', () => watch?.onRequest());
	keepHeapSmall();
	const sight = isGuest ? null : new SightKeeper({env, paths, tag, client, mailbox});
	const dead = deadClients({state: paths.state, tag, client, isGuest, mailbox});
	const begin = async (): Promise<void> => {
		await sign(client === null ? {presence: 'idle'} : {});
		quiet = (await loadConfig({env})).quietAfterEsc;
		await dead.endOthers();
	};
	const beginning = untilItWorks(begin, say);
	const timer = setInterval(() => {
		claim.renew();
		refreshLaunchers(paths);
		// Without a hub, nobody else looks after the tasks while all agents are idle.
		void sign()
			.then(dead.endOthers)
			.then(() => claims.tend())
			.catch(say);
	}, signInterval);
	await gone;
	clearInterval(timer);
	beginning.end();
	claim.release();
	for (const each of [watch, status, sight]) each?.end();

	const shutDown = async (): Promise<void> => {
		await transport.settled();
		if (isOpen()) await sign({presence: 'away'});
		// Nobody reads the answers to open calls, so they are abandoned and give back the mail that they took.
		await server.close();
		await transport.settled();
		if (isOpen()) await dead.endOwn();
	};
	await Promise.race([shutDown().catch(say), new Promise(resolve => setTimeout(resolve, shutdownTimeout))]);
}

interface Opener {
	readonly mailbox: () => Promise<Mailbox>;
	/** Whether it was opened, or is being opened. */
	readonly isOpen: () => boolean;
}

/** Opens the mailbox at its first use, and again after a failure. `check` throws if the agent may not use it. */
function opener(invocation: Invocation, tag: Tag, check: () => void): Opener {
	let opened: Promise<Mailbox> | null = null;
	return {
		isOpen: () => opened !== null,
		async mailbox() {
			check();
			opened ??= openMailbox(invocation, {as: tag, kind: 'agent'}).catch((error: unknown) => {
				opened = null;
				throw error;
			});
			return opened;
		},
	};
}

function sentenceOf(error: unknown): string {
	return error instanceof MailboxError ? error.sentence : `Internal error: ${String(error)}`;
}

/** What waits until all output was written. It rejects if the reader went away, in which case the output is lost. */
function flusher(stdout: NodeJS.WriteStream): () => Promise<void> {
	return () =>
		new Promise((resolve, reject) => {
			stdout.write('', error => (error ? reject(error) : resolve()));
		});
}

/** Resolves when the client goes away, or this process is told to end. */
function endOf({stdin, stdout}: Invocation): Promise<void> {
	const {promise, resolve} = Promise.withResolvers<void>();
	for (const event of ['end', 'close', 'error'] as const) stdin.once(event, () => resolve());
	// Other commands end immediately when nobody reads their output; this one has to give mail back first.
	stdout.removeAllListeners('error').on('error', () => resolve());
	for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => resolve());
	return promise;
}

/**
 * Whether the client only calls tools: it runs without a user, and was not asked to take part, or somebody works as the agent already.
 * Such a run signs no presence, or others would wait for it.
 */
function isGuestRun(env: NodeJS.ProcessEnv, asked: boolean, state: string, tag: Tag): boolean {
	if (!isHeadless(env)) return false;
	return !isAskedFor(asked, env) || isSpokenFor(state, tag, env);
}
