import {signIn, type Account} from '../../gateway/account.ts';
import {keepToken, readKeptToken} from '../../join/kept-token.ts';
import {MailboxError} from '../../mailbox/error.ts';
import type {Tag} from '../../mailbox/tag.ts';

interface Bearer {
	/** The state folder. */
	readonly state: string;
	readonly tag: Tag;
	readonly account: Account;
	/** Any key of the project. */
	readonly key: string;
}

/** Milliseconds before its end at which a token is renewed, so that hooks, which do not sign in, always find a valid one. */
const early = 10 * 60_000;

/**
 * An agent's token for a hosted project: the one that another process left, or a new one if that expires soon. If renewing
 * fails, the old one stays in use. Rejects with MailboxError.
 */
export async function agentToken({state, tag, account, key}: Bearer): Promise<string> {
	const kept = readKeptToken(state, tag, account.id);
	if (kept !== null && Date.now() < kept.renew_at) return kept.token;
	try {
		const now = Date.now();
		const {token, expires_at} = await signIn({url: account.url, key}, account);
		const renew_at = Math.max(expires_at - early, (now + expires_at) / 2);
		keepToken(state, tag, {account: account.id, token, expires_at, renew_at});
		return token;
	} catch (error) {
		if (kept !== null) return kept.token;
		if (!(error instanceof MailboxError) || error.code !== 'unauthorized') throw error;
		const remedy = `Run \`agentmux join ${tag}\` in its folder to create another.`;
		throw new MailboxError('unauthorized', `${account.url} no longer has a user for ${tag}.`, remedy, {
			cause: error,
		});
	}
}
