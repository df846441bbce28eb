import {signIn, type Account} from '../../gateway/account.ts';
import {keepToken, readKeptToken} from '../../join/kept-token.ts';
import {MailboxError} from '../../mailbox/error.ts';
import type {Tag} from '../../mailbox/tag.ts';

interface Bearer {
	/** The folder of what may be lost. */
	readonly state: string;
	readonly tag: Tag;
	readonly account: Account;
	/** The project's; any will do. */
	readonly key: string;
}

/** Milliseconds before its end at which a token is renewed: its hooks, which do not sign in, always find one that holds. */
const early = 10 * 60_000;

/**
 * An agent's token of a hosted project: the one that another process left, or a new one when that runs out soon. While only
 * the renewing fails, the old one goes on. Rejects with MailboxError.
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
		const remedy = `\`agentmux join ${tag}\` in its folder makes another.`;
		throw new MailboxError('unauthorized', `${account.url} does not know ${tag}'s user any more.`, remedy, {
			cause: error,
		});
	}
}
