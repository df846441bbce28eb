import {randomBytes, randomUUID} from 'node:crypto';
import type {AuthError, SupabaseClient} from '@supabase/supabase-js';
import {MailboxError} from '../mailbox/error.ts';
import type {Tag} from '../mailbox/tag.ts';
import {unreachable} from './link/failure.ts';

/** A user of a project's Auth whom the database believes to be an agent, for its `app_metadata` says so. */
export interface Account {
	/** Of the project. */
	readonly url: string;
	/** Of the user. */
	readonly id: string;
	/** A name to sign in with; nobody reads mail there. */
	readonly email: string;
	readonly password: string;
}

/** What signing in gives. */
export interface Session {
	/** The bearer. */
	readonly token: string;
	/** Milliseconds since 1970. */
	readonly expires_at: number;
}

interface Project {
	readonly url: string;
	readonly key: string;
}

/** Milliseconds that a request may take. */
const timeout = 15_000;

/**
 * Makes a user for one agent on one machine, so that each can be taken away without the other. Only a secret key may:
 * nobody else writes `app_metadata` (https://supabase.com/docs/reference/javascript/auth-admin-createuser). Rejects with MailboxError.
 */
export async function createAccount(project: Project, tag: Tag): Promise<Account> {
	const client = await authOf(project);
	// A domain that is nobody's (RFC 2606): no mail is ever sent, since the address counts as confirmed.
	const email = `${tag.toLowerCase()}.${randomUUID()}@agentmux.invalid`;
	const password = randomBytes(32).toString('base64url');
	const {data, error} = await client.auth.admin.createUser({
		email,
		password,
		email_confirm: true,
		app_metadata: {agent_tag: tag, kind: 'agent'},
	});
	if (error !== null) throw refused(project.url, error);
	return {url: project.url, id: data.user.id, email, password};
}

/** Its tokens are refused from then on, at the latest when they expire. Rejects with MailboxError. */
export async function deleteAccount(project: Project, {id}: Account): Promise<void> {
	const client = await authOf(project);
	const {error} = await client.auth.admin.deleteUser(id);
	if (error !== null && error.code !== 'user_not_found') throw refused(project.url, error);
}

/** Any key will do. Rejects with MailboxError: `unauthorized` when there is no such user, or its password is another. */
export async function signIn(project: Project, {email, password}: Account): Promise<Session> {
	const client = await authOf(project);
	const {data, error} = await client.auth.signInWithPassword({email, password});
	if (error !== null) throw refused(project.url, error);
	const {access_token, expires_in} = data.session;
	// By our own clock, which may differ from theirs.
	return {token: access_token, expires_at: Date.now() + expires_in * 1000};
}

async function authOf({url, key}: Project): Promise<SupabaseClient> {
	const {createClient} = await import('@supabase/supabase-js');
	return createClient(url, key, {
		auth: {persistSession: false, autoRefreshToken: false, detectSessionInUrl: false},
		global: {fetch: (input, init) => fetch(input, {...init, signal: AbortSignal.timeout(timeout)})},
	});
}

function refused(url: string, error: AuthError): MailboxError {
	const {status, code = '', message} = error;
	// What got no answer has no status; the reason is lost by then.
	if (status === undefined || status === 0) return unreachable(url, error, timeout);
	const said = `${url} says about the agent's user: ${message.replace(/\.?$/, '.')}`;
	if (code === 'invalid_credentials')
		return new MailboxError('unauthorized', said, 'Join again: that makes another user.');
	if (status === 401 || status === 403) {
		return new MailboxError(
			'forbidden',
			said,
			"Only the project's secret key may make users: set SUPABASE_SECRET_KEY.",
		);
	}
	if (status === 429 || status >= 500) return new MailboxError('offline', said, 'Try again later.');
	const remedy =
		code === 'email_provider_disabled' ? 'Allow the email provider in the project, under Authentication.' : '';
	return new MailboxError('invalid', said, remedy);
}
