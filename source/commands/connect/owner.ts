import {loadConfig, type Config, type Target} from '../../config.ts';
import {runSql, type Management} from '../../gateway/management.ts';
import {splitStatements} from '../../hub/database/split-statements.ts';
import {transportTo} from '../../hub/local/transport.ts';
import {MailboxError} from '../../mailbox/error.ts';
import type {SqlRow} from '../../mailbox/sql.ts';
import {remark} from '../cli/output.ts';
import {configure, type Surroundings} from './configure.ts';
import {identityOf, withMailbox} from './connect.ts';
import {startedHub} from './local-hub.ts';

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
export async function openOwnersProject(surroundings: Surroundings): Promise<Management> {
	const say = (sentence: string): void => remark(surroundings.stderr, sentence);
	return ownersProject(await configure(surroundings.env, say), say);
}

async function ownersProject(config: Config, say: (sentence: string) => void): Promise<Management> {
	const {target} = config;
	if (target.kind === 'supabase') return hostedProject(target);
	const hub = await startedHub(config, say);
	return {url: hub.url, project_ref: 'local', token: hub.service_role_key, transport: transportTo(hub)};
}

function hostedProject({url, access_token}: Extract<Target, {kind: 'supabase'}>): Management {
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
