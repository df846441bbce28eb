import {realpath} from 'node:fs/promises';
import {homedir} from 'node:os';
import {foldersOf} from '../join/folder.ts';
import {presenceOf, type Agent} from '../mailbox/agent.ts';
import {MailboxError} from '../mailbox/error.ts';
import {sameTag, type Tag} from '../mailbox/tag.ts';
import {shellWord} from './launcher.ts';

const shared = 'two sessions under one tag share one inbox, and each message reaches only one of them';

/** Rejects with MailboxError `conflict` where one tag would come to stand for several sessions without anybody meaning it. */
export async function checkFree(data: string, folder: string, tag: Tag): Promise<void> {
	if (folder === (await realpath(homedir()).catch(() => null))) {
		throw new MailboxError(
			'conflict',
			`${folder} is your home folder: what Claude Code finds there holds for every session, and all would be ${tag}.`,
			'Name the folder of a project with --dir DIR (--force joins this one all the same).',
		);
	}
	const others = (await foldersOf(data, tag)).filter(other => other !== folder);
	const [first] = others;
	if (first === undefined) return;
	throw new MailboxError(
		'conflict',
		`${tag} has its place in ${others.join(' and ')} already: ${shared}.`,
		`Take another tag, or take this one from there (agentmux leave ${tag} --dir ${shellWord(first)}); --force joins both.`,
	);
}

/** What to say of a tag that has not joined in this home when somebody is at work under it at `now` (milliseconds since 1970); null: nobody is. */
export function atWork(tag: Tag, agents: readonly Agent[], now: number): string | null {
	const agent = agents.find(other => sameTag(other.tag, tag));
	if (agent === undefined) return null;
	const presence = presenceOf(agent, now);
	if (presence === 'away' || presence === 'gone') return null;
	return `${agent.tag} is at work elsewhere (${presence}): ${shared}.`;
}
