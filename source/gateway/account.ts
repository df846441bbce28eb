import {randomBytes, randomUUID} from 'node:crypto';
import type {AuthError, SupabaseClient} from '@supabase/supabase-js';
import {MailboxError} from '../mailbox/error.ts';
import type {Tag} from '../mailbox/tag.ts';
import {unreachable} from './link/failure.ts';

/** A user in a project's Auth. Its `app_metadata` tells the database that it is an agent. */
export interface Account {
	/** The project's. */
	readonly url: string;
	/** The user's. */
	readonly id: string;
	/** Only a name to sign in with: there is no such mail address. */
	readonly email: string;
	readonly password: string;
}

/** The result of signing in. */
export interface Session {
	/** The bearer token. */
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
 * Creates a user for one agent on one machine, so that each agent and machine can be removed separately. It takes the
 * project's secret key, because only that can write `app_metadata`
 * (https://supabase.com/docs/reference/javascript/auth-admin-createuser). Rejects with MailboxError.
 */
export async function createAccount(project: Project, tag: Tag): Promise<Account> {
	const client = await authOf(project);
	// A reserved domain (RFC 2606). No mail is ever sent, since the address counts as confirmed.
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

/** Deletes the user. Its tokens are refused from then on, at the latest when they expire. Rejects with MailboxError. */
export async function deleteAccount(project: Project, {id}: Account): Promise<void> {
	const client = await authOf(project);
	const {error} = await client.auth.admin.deleteUser(id);
	if (error !== null && error.code !== 'user_not_found') throw refused(project.url, error);
}

/** Signs in, with any key of the project. Rejects with MailboxError: `unauthorized` for an unknown user or a wrong password. */
export async function signIn(project: Project, {email, password}: Account): Promise<Session> {
	const client = await authOf(project);
	const {data, error} = await client.auth.signInWithPassword({email, password});
	if (error !== null) throw refused(project.url, error);
	const {access_token, expires_in} = data.session;
	// By our clock, which may differ from the server's.
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
	// Without a response there is no status, and supabase-js does not pass the reason on.
	if (status === undefined || status === 0) return unreachable(url, error, timeout);
	const said = `${url} refused the request for the agent's user: ${message.replace(/\.?$/, '.')}`;
	if (code === 'invalid_credentials')
		return new MailboxError('unauthorized', said, 'Join again to create another user.');
	if (status === 401 || status === 403) {
		return new MailboxError(
			'forbidden',
			said,
			"Only the project's secret key may create users: set SUPABASE_SECRET_KEY.",
		);
	}
	if (status === 429 || status >= 500) return new MailboxError('offline', said, 'Try again later.');
	const remedy =
		code === 'email_provider_disabled' ? 'Enable the email provider in the project, under Authentication.' : '';
	return new MailboxError('invalid', said, remedy);
}
