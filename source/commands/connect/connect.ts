import {loadConfig, type Config, type Target} from '../../config.ts';
import type {Account} from '../../gateway/account.ts';
import {connectMailbox, type ConnectOptions} from '../../gateway/connect.ts';
import {openTrace} from '../../hub/files/trace.ts';
import {runSql, type Management} from '../../gateway/management.ts';
import {ensureHub, wasStopped} from '../../hub/process/ensure.ts';
import {HubError} from '../../hub/files/error.ts';
import {findHub, type RunningHub} from '../../hub/process/find.ts';
import {transportTo} from '../../hub/local/transport.ts';
import {splitStatements} from '../../hub/database/split-statements.ts';
import {endToken, endTokens, requestToken} from '../../hub/process/token-request.ts';
import {updateToken, readCredentials} from '../../join/files/credentials-file.ts';
import {MailboxError} from '../../mailbox/error.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {AuthorKind} from '../../mailbox/message.ts';
import type {SqlRow} from '../../mailbox/sql.ts';
import {isReserved, type Tag} from '../../mailbox/tag.ts';
import type {Paths} from '../../paths.ts';
import {removeAccount, ensureAccount, keyForTokens} from './agent-account.ts';
import {agentToken} from './agent-token.ts';
import type {Invocation} from '../cli/command.ts';
import {HubToken} from './hub-token.ts';
import {identify, workingFolder, type Identity} from './identity.ts';
import {remark} from '../cli/output.ts';
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
	/** Receives progress and warnings about the configuration; by default they go to stderr. */
	readonly say?: (sentence: string) => void;
}

type Project = Extract<Target, {kind: 'supabase'}>;
type Surroundings = Pick<Invocation, 'env' | 'stderr'> & Partial<Pick<Invocation, 'stdin'>>;

/** Opens the configured mailbox as this terminal's identity, after finding or starting the hub. Rejects with MailboxError. */
export async function openMailbox(surroundings: Surroundings, opening: Opening = {}): Promise<Mailbox> {
	const {as, under, kind, account, say = sentence => remark(surroundings.stderr, sentence)} = opening;
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
async function identityOf(
	config: Config,
	{env, stdin, stderr}: Surroundings,
	as: Tag | undefined,
	say: (sentence: string) => void,
): Promise<Identity> {
	const isTerminal = stderr.isTTY || stdin?.isTTY === true;
	const identity = await identify(config, {env, cwd: workingFolder(env), isTerminal}, as);
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

/** What an agent's hook needs to reach the mailbox. */
export interface HookCredentials {
	/** Of a Supabase project; null: the hub. */
	readonly url: string | null;
	/** Null: it is in the environment, and is not written to a file. */
	readonly key: string | null;
	/** Of a hub; null elsewhere. */
	readonly token: string | null;
	/** Of a Supabase project; null on a hub, and if no user could be created. */
	readonly account: Account | null;
}

/**
 * Creates the credentials that join leaves for the agent's hook. `known` are the former ones: a token is kept while the hub
 * accepts it, a user while it can sign in. Rejects with MailboxError.
 */
export async function createCredentials(
	{env, stderr}: Surroundings,
	tag: Tag,
	known: HookCredentials | null,
): Promise<HookCredentials> {
	const say = (sentence: string): void => remark(stderr, sentence);
	const config = await configure(env, say);
	const {target} = config;
	if (target.kind === 'supabase') {
		const account = await ensureAccount(target, config.paths, tag, known?.account ?? null, say);
		const fromFile = (env['SUPABASE_URL']?.trim() ?? '') === '';
		const key = account === null ? target.key : keyForTokens(target);
		return {url: fromFile ? target.url : null, key: fromFile ? key : null, token: null, account};
	}
	const hub = await startedHub(config, say);
	const token = await tokenFor(hub, tag, known?.token);
	return {url: null, key: hub.anon_key, token, account: null};
}

/** Takes back the credentials of an agent whose join failed. Rejects with MailboxError. */
export async function undoCredentials(
	surroundings: Surroundings,
	tag: Tag,
	{account, token}: HookCredentials,
): Promise<void> {
	if (token !== null) return withMailboxErrors(endToken(await configuredHub(surroundings), token));
	if (account !== null) await dropUser(surroundings, tag, account);
}

/**
 * Ends everything that gives the agent access: all its tokens for the hub, on every machine, or its user of the project. Rejects
 * with MailboxError.
 */
export async function endCredentials(
	surroundings: Surroundings,
	tag: Tag,
	credentials: HookCredentials | null,
): Promise<void> {
	if (credentials !== null && credentials.account !== null) return dropUser(surroundings, tag, credentials.account);
	const {target} = await configure(surroundings.env, () => undefined);
	if (target.kind === 'hub') await withMailboxErrors(endTokens(await configuredHub(surroundings), tag));
}

/** Leaves a new token for an agent that has joined on this machine; resolves with false if it has not. Rejects with MailboxError. */
export async function replaceToken(surroundings: Surroundings, tag: Tag): Promise<boolean> {
	const {target, paths} = await configure(surroundings.env, () => undefined);
	const former = readCredentials(paths.data, tag)?.token ?? null;
	if (target.kind !== 'hub' || former === null) return false;
	const hub = await configuredHub(surroundings);
	updateToken(paths.data, tag, former, {key: hub.anon_key, token: await tokenFor(hub, tag)});
	return true;
}

async function tokenFor(hub: RunningHub, tag: Tag, known?: string | null): Promise<string> {
	const answer = await withMailboxErrors(
		requestToken(hub, {tag, ...(known === null || known === undefined ? {} : {token: known})}),
	);
	if ('token' in answer) return answer.token;
	throw new MailboxError('unauthorized', `${answer.message}.`, answer.hint);
}

async function withMailboxErrors<T>(work: Promise<T>): Promise<T> {
	return work.catch((error: unknown) => {
		throw asMailboxError(error);
	});
}

async function configuredHub({env, stderr}: Surroundings): Promise<RunningHub> {
	const say = (sentence: string): void => remark(stderr, sentence);
	return startedHub(await configure(env, () => undefined), say);
}

async function dropUser({env, stderr}: Surroundings, tag: Tag, account: Account): Promise<void> {
	const {target, paths} = await configure(env, sentence => remark(stderr, sentence));
	if (target.kind === 'supabase' && target.url === account.url) return removeAccount(target, paths.state, tag, account);
	throw new MailboxError(
		'not_found',
		`${account.url} is not the configured project.`,
		`Delete the user ${account.email} there yourself.`,
	);
}

/** Opens the mailbox while `work` runs, and closes it whatever happens. */
export async function withMailbox<T>(
	surroundings: Surroundings,
	opening: Opening,
	work: (mailbox: Mailbox) => Promise<T>,
): Promise<T> {
	const mailbox = await openMailbox(surroundings, opening);
	try {
		return await work(mailbox);
	} finally {
		await mailbox.close();
	}
}

/**
 * Opens a way to run SQL as this terminal's identity: in an agent's program or folder it runs as the agent; a human's runs as the
 * owner of the database. Rejects with MailboxError.
 */
export async function openSql(surroundings: Surroundings): Promise<RunSql> {
	const identity = await identityOf(
		await loadConfig({env: surroundings.env}),
		surroundings,
		undefined,
		() => undefined,
	);
	if (identity.isBound) {
		return query => withMailbox(surroundings, {}, mailbox => mailbox.sql(splitStatements(query)));
	}
	const project = await openOwnersProject(surroundings);
	return query => runSql(project, query);
}

/** Runs a script; resolves with the rows of its last statement that returns any. */
export type RunSql = (query: string) => Promise<SqlRow[]>;

/**
 * The management API that runs SQL as the owner: that of the hub (found or started first) or of supabase.com. Rejects with
 * MailboxError.
 */
export async function openOwnersProject({env, stderr}: Surroundings): Promise<Management> {
	const say = (sentence: string): void => remark(stderr, sentence);
	return ownersProject(await configure(env, say), say);
}

async function ownersProject(config: Config, say: (sentence: string) => void): Promise<Management> {
	const {target} = config;
	if (target.kind === 'supabase') return hostedProject(target);
	const hub = await startedHub(config, say);
	return {url: hub.url, project_ref: 'local', token: hub.service_role_key, transport: transportTo(hub)};
}

async function configure(env: NodeJS.ProcessEnv, say: (sentence: string) => void, as?: Tag): Promise<Config> {
	const config = await loadConfig({flags: {as}, env});
	for (const warning of config.warnings) say(warning);
	return config;
}

function hostedProject({url, access_token}: Project): Management {
	const [, ref] = /^([a-z0-9]+)\.supabase\.(?:co|in)$/.exec(new URL(url).hostname) ?? [];
	if (ref === undefined) {
		throw new MailboxError(
			'invalid',
			`${url} is not a hosted project, so it has no management API to run SQL through.`,
			'Run the SQL with psql or `supabase db query`, or unset SUPABASE_URL to use the local hub.',
		);
	}
	if (access_token === undefined) {
		throw new MailboxError(
			'unauthorized',
			'SQL on a hosted project needs a personal access token.',
			'Create one at https://supabase.com/dashboard/account/tokens and set SUPABASE_ACCESS_TOKEN to it.',
		);
	}
	return {url: 'https://api.supabase.com', project_ref: ref, token: access_token};
}

/** Milliseconds. */
const timeout = 300;

/** Finds or starts the hub; reports progress if that takes longer than `timeout`. */
async function startedHub({paths, databaseUrl}: Config, say: (sentence: string) => void): Promise<RunningHub> {
	let last: string | null = null;
	let isQuiet = true;
	const sayLast = (): void => {
		if (!isQuiet && last !== null) say(last);
		last = null;
	};
	const timer = setTimeout(() => {
		isQuiet = false;
		sayLast();
	}, timeout);
	try {
		return await ensureHub(paths, {
			databaseUrl,
			onProgress(sentence) {
				last = sentence;
				sayLast();
			},
		});
	} catch (error) {
		throw asMailboxError(error);
	} finally {
		clearTimeout(timer);
	}
}

/** Finds the hub again. One that died is restarted; one that was stopped on purpose stays stopped. */
async function foundAgain({paths, databaseUrl}: Config): Promise<RunningHub> {
	try {
		const hub = await findHub(paths);
		if (hub !== null) return hub;
		if (!(await wasStopped(paths))) return await ensureHub(paths, {databaseUrl});
	} catch (error) {
		throw asMailboxError(error);
	}
	throw new MailboxError('offline', 'The hub was stopped.', 'Start it with `agentmux hub start`.');
}

function asMailboxError(error: unknown): unknown {
	return error instanceof HubError ? new MailboxError('offline', error.message, error.remedy, {cause: error}) : error;
}
