import type {Target} from '../../config.ts';
import {createAccount, deleteAccount, type Account} from '../../gateway/account.ts';
import {forgetToken} from '../../join/kept-token.ts';
import {MailboxError} from '../../mailbox/error.ts';
import type {Tag} from '../../mailbox/tag.ts';
import type {Paths} from '../../paths.ts';
import {agentToken} from './agent-token.ts';

type Project = Extract<Target, {kind: 'supabase'}>;

/** What opens the project for whoever has a token: no secret, where one that is none is known. */
export function keyBeside({key, public_key}: Project): string {
	return public_key ?? key;
}

/**
 * The agent's own user of the project: `known` while one can sign in with it, else a new one. Null where none can be had, and
 * `say` hears why; rejects with MailboxError `offline` when that is not to be found out.
 */
export async function haveAccount(
	project: Project,
	{state}: Paths,
	tag: Tag,
	known: Account | null,
	say: (sentence: string) => void,
): Promise<Account | null> {
	const key = keyBeside(project);
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
		if (made !== null) await dropAccount(project, state, tag, made).catch(() => undefined);
		if (!(error instanceof MailboxError) || error.code === 'offline') throw error;
		say(`${tag} gets no token of its own. ${error.sentence}`);
		return null;
	}
}

/** Its user, and the token that was kept. Rejects with MailboxError. */
export async function dropAccount(project: Project, state: string, tag: Tag, account: Account): Promise<void> {
	forgetToken(state, tag);
	await deleteAccount(project, account);
}
