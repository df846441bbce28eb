import type {Config, Target} from '../../config.ts';
import type {Account} from '../../gateway/account.ts';
import {connectMailbox, type ConnectOptions} from '../../gateway/connect.ts';
import {openTrace} from '../../hub/files/trace.ts';
import {transportTo} from '../../hub/local/transport.ts';
import {readCredentials} from '../../join/files/credentials-file.ts';
import {MailboxError} from '../../mailbox/error.ts';
import type {Busy} from '../../mailbox/event.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {AuthorKind} from '../../mailbox/message.ts';
import {isReserved, type Tag} from '../../mailbox/tag.ts';
import type {Paths} from '../../paths.ts';
import {remark} from '../cli/output.ts';
import {keyForTokens} from './agent-account.ts';
import {agentToken} from './agent-token.ts';
import {configure, type Surroundings} from './configure.ts';
import {HubToken} from './hub-token.ts';
import {identify, workingFolder, type Identity, type Situation} from './identity.ts';
import {foundAgain, startedHub} from './local-hub.ts';
import {signaturesFor} from './signatures.ts';

interface Opening {
	/** The tag to act as, instead of the terminal's. */
	readonly as?: Tag | undefined;
	/** The tag to write messages under, if it differs from who writes them. */
	readonly under?: Tag | undefined;
	/** The kind of author. A caller that sets it has already checked that it may act as `as`. */
	readonly kind?: Exclude<AuthorKind, 'system'>;
	/** The account to sign in with, instead of the one that join left for the tag; null: use only the key. */
	readonly account?: Account | null | undefined;
	/** An agent's token for the hub, instead of the one that join left for the tag. */
	readonly token?: string | null;
	/** Whether it is opened for a few requests. */
	readonly isBrief?: boolean;
	/** Receives progress and warnings about the configuration; by default they go to stderr. */
	readonly say?: (sentence: string) => void;
}

type Project = Extract<Target, {kind: 'supabase'}>;

/** Opens the configured mailbox as this terminal's identity, after finding or starting the hub. Rejects with MailboxError. */
export async function openMailbox(surroundings: Surroundings, opening: Opening = {}): Promise<Mailbox> {
	const {as, under, kind, account, isBrief = false, say = sentence => remark(surroundings.stderr, sentence)} = opening;
	const config = await configure(surroundings.env, say, as);
	const {target} = config;
	const identity =
		kind === undefined
			? await identityOf(config, surroundings, as ?? under, say)
			: {tag: config.tag, kind, isBound: false};
	const {tag} = identity;
	if (identity.kind === 'agent' && isReserved(tag)) {
		throw new MailboxError('invalid', `${tag} is reserved; an agent cannot join as it.`, 'Use another tag: CLAUDE_1.');
	}
	const signatures = signaturesFor(config, identity.kind, surroundings.env);
	const trace = openTrace('gateway', config.paths.logs, surroundings.env);
	if (target.kind === 'supabase') {
		const kept = account === undefined ? readCredentials(config.paths.data, tag)?.account : account;
		const own = identity.kind === 'agent' ? (kept ?? null) : null;
		return own?.url === target.url
			? signedIn(target, config.paths, tag, own, {signatures, trace})
			: connectMailbox({...target, actingTag: tag, signatures, trace});
	}
	const hub = await startedHub(config, say);
	const token = new HubToken(hub, {
		...identity,
		data: account === null ? null : config.paths.data,
		token: opening.token,
		find: () => foundAgain(config),
	});
	const renew = (): Promise<string> => token.current();
	return connectMailbox({
		trace,
		isBrief,
		url: hub.url,
		key: hub.anon_key,
		token: await renew(),
		transport: transportTo(hub),
		renew,
		async resolve() {
			const found = await foundAgain(config);
			token.follow(found);
			return {url: found.url, key: found.anon_key, token: await renew(), transport: transportTo(found)};
		},
		signatures,
	});
}

/** Who runs this command. Rejects as identify does. */
export async function identityOf(
	config: Config,
	surroundings: Surroundings,
	as: Tag | undefined,
	say: (sentence: string) => void,
): Promise<Identity> {
	const {env} = surroundings;
	const situation: Situation = {
		env,
		cwd: workingFolder(env),
		// Asked only where an agent has joined.
		get isTerminal() {
			return surroundings.isTerminal ?? (surroundings.stderr.isTTY || surroundings.stdin?.isTTY === true);
		},
	};
	const identity = await identify(config, situation, as);
	if (identity.hint !== null) say(identity.hint);
	return identity;
}

/** Opens the mailbox as an agent with its own user, whose tokens are renewed while the mailbox is open. */
async function signedIn(
	target: Project,
	{state}: Paths,
	tag: Tag,
	account: Account,
	options: Pick<ConnectOptions, 'signatures' | 'trace'>,
): Promise<Mailbox> {
	const key = keyForTokens(target);
	const renew = (): Promise<string> => agentToken({state, tag, account, key});
	return connectMailbox({url: target.url, key, token: await renew(), renew, ...options});
}

/** Milliseconds that a statement has run before a command says that it waits for it. */
const longWait = 5000;

/** Says once, for each time that requests wait, which statement they wait for: an index of a large table takes minutes. */
function sayWhyItWaits(say: (sentence: string) => void): (busy: Busy | null) => void {
	let hasSaid = false;
	return busy => {
		const time = busy === null ? 0 : Date.now() - busy.since;
		if (busy !== null && !hasSaid && time >= longWait) {
			say(
				`Waiting for the database: a statement of ${busy.who} has been running for ${Math.round(time / 1000)} s; see \`agentmux hub status\`.`,
			);
		}
		hasSaid = busy !== null && (hasSaid || time >= longWait);
	};
}

/** Opens the mailbox for the few requests of `work`, and closes it whatever happens. */
export async function withMailbox<T>(
	surroundings: Surroundings,
	opening: Opening,
	work: (mailbox: Mailbox) => Promise<T>,
): Promise<T> {
	const mailbox = await openMailbox(surroundings, {isBrief: true, ...opening});
	const unwatch = mailbox.watchBusy(sayWhyItWaits(sentence => remark(surroundings.stderr, sentence)));
	try {
		return await work(mailbox);
	} finally {
		unwatch();
		await mailbox.close();
	}
}
