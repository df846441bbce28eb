import type {Target} from '../../config.ts';
import {createAccount, deleteAccount, type Account} from '../../gateway/account.ts';
import {forgetToken} from '../../join/kept-token.ts';
import {MailboxError} from '../../mailbox/error.ts';
import type {Tag} from '../../mailbox/tag.ts';
import type {Paths} from '../../paths.ts';
import {agentToken} from './agent-token.ts';

type Project = Extract<Target, {kind: 'supabase'}>;

/** The key to send along with a token: the publishable one if it is known, since with a token no secret key is needed. */
export function keyForTokens({key, public_key}: Project): string {
	return public_key ?? key;
}

/**
 * The agent's own user of the project: `known` if it can still sign in, else a new one. Resolves with null if no user can be
 * created, and passes the reason to `say`; rejects with MailboxError `offline` if the project cannot be reached.
 */
export async function ensureAccount(
	project: Project,
	{state}: Paths,
	tag: Tag,
	known: Account | null,
	say: (sentence: string) => void,
): Promise<Account | null> {
	const key = keyForTokens(project);
	if (known !== null && known.url === project.url) {
		forgetToken(state, tag);
		const works = await agentToken({state, tag, account: known, key}).catch((error: unknown) => {
			if (error instanceof MailboxError && error.code === 'unauthorized') return null;
			throw error;
		});
		if (works !== null) return known;
	}
	let made: Account | null = null;
	try {
		made = await createAccount(project, tag);
		await agentToken({state, tag, account: made, key});
		return made;
	} catch (error) {
		if (made !== null) await removeAccount(project, state, tag, made).catch(() => undefined);
		if (!(error instanceof MailboxError) || error.code === 'offline') throw error;
		say(`No user could be created for ${tag}, so it uses the project's key. ${error.sentence}`);
		return null;
	}
}

/** Deletes an agent's user and its kept token. Rejects with MailboxError. */
export async function removeAccount(project: Project, state: string, tag: Tag, account: Account): Promise<void> {
	forgetToken(state, tag);
	await deleteAccount(project, account);
}
