import type {Account} from '../../gateway/account.ts';
import type {RunningHub} from '../../hub/process/find.ts';
import {endToken, endTokens, requestToken} from '../../hub/process/token-request.ts';
import {readCredentials, updateToken} from '../../join/files/credentials-file.ts';
import {MailboxError} from '../../mailbox/error.ts';
import type {Tag} from '../../mailbox/tag.ts';
import {remark} from '../cli/output.ts';
import {ensureAccount, keyForTokens, removeAccount} from './agent-account.ts';
import {configure, type Surroundings} from './configure.ts';
import {startedHub, withMailboxErrors} from './local-hub.ts';

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

async function dropUser({env, stderr}: Surroundings, tag: Tag, account: Account): Promise<void> {
	const {target, paths} = await configure(env, sentence => remark(stderr, sentence));
	if (target.kind === 'supabase' && target.url === account.url) return removeAccount(target, paths.state, tag, account);
	throw new MailboxError(
		'not_found',
		`${account.url} is not the configured project.`,
		`Delete the user ${account.email} there yourself.`,
	);
}

async function configuredHub({env, stderr}: Surroundings): Promise<RunningHub> {
	const say = (sentence: string): void => remark(stderr, sentence);
	return startedHub(await configure(env, () => undefined), say);
}
