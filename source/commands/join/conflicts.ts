import {realpath} from 'node:fs/promises';
import {homedir} from 'node:os';
import {foldersOf} from '../../join/folder.ts';
import {readCredentials} from '../../join/files/credentials-file.ts';
import type {Participant} from '../../join/participant.ts';
import {presenceOf, type Agent} from '../../mailbox/agent.ts';
import {MailboxError} from '../../mailbox/error.ts';
import {foldTag, sameTag, type Tag} from '../../mailbox/tag.ts';
import {shellWord} from '../cli/launcher.ts';

const shared = 'two sessions under one tag share one inbox, and each message reaches only one of them';

/**
 * Rejects with MailboxError `conflict` where one tag would come to stand for several sessions without anybody meaning it.
 * `data` is where places are kept.
 */
export async function checkFree(data: string, participants: readonly Participant[]): Promise<void> {
	const home = await realpath(homedir()).catch(() => null);
	const conflicts: Conflict[] = [];
	for (const {tag, folder} of participants) {
		if (folder === home) {
			throw new MailboxError(
				'conflict',
				`${folder} is your home folder: what Claude Code finds there holds for every session, and all would be ${tag}.`,
				'Name the folder of a project with --dir DIR (--force joins this one all the same).',
			);
		}
		const [first, ...more] = (await foldersOf(data, tag)).filter(other => other !== folder);
		if (first !== undefined) conflicts.push({tag, first, folders: [first, ...more]});
	}
	const [one] = conflicts;
	if (one === undefined) return;
	const where = conflicts.map(({tag, folders}) => `${tag} has already joined in ${folders.join(' and ')}`).join(', ');
	const remedy =
		participants.length > 1
			? otherTags(data, participants)
			: `Take another tag, or take this one from there (agentmux leave ${one.tag} --dir ${shellWord(one.first)}); --force joins both.`;
	throw new MailboxError('conflict', `${where}: ${shared}.`, remedy);
}

interface Conflict {
	readonly tag: Tag;
	readonly first: string;
	readonly folders: readonly string[];
}

/** What to do about tags of a recipe that others have: the next number under which none of them has a place. */
function otherTags(data: string, participants: readonly Participant[]): string {
	const own = participants.map(({tag}) => tag.slice(0, 27));
	const bare = own.map(tag => tag.replace(/_\d+$/, ''));
	const stems = new Set(bare.map(foldTag)).size === own.length ? bare : own;
	for (let number = 2; ; number += 1) {
		const tags = stems.map(stem => `${stem}_${number}`);
		if (tags.every(tag => readCredentials(data, tag) === null)) {
			return `Give the agents of the recipe other tags: --tags ${tags.join(',')} (--force takes these all the same).`;
		}
	}
}

/**
 * Says of each tag that has not joined in this home whether somebody is at work under it. With `strict` that is a conflict: the
 * agents of a recipe can as well have other tags.
 */
export function meetOthers(agents: readonly Agent[], {data, participants, strict, say}: Meeting): void {
	const revoked = agents.filter(
		({tag, revoked_at}) => revoked_at !== null && participants.some(participant => sameTag(participant.tag, tag)),
	);
	if (revoked.length > 0 && strict) {
		throw new MailboxError('conflict', `${revoked[0]?.tag} has been revoked.`, otherTags(data, participants));
	}
	const strangers = participants.filter(({tag}) => readCredentials(data, tag) === null);
	const elsewhere = strangers.flatMap(({tag}) => atWork(tag, agents, Date.now()) ?? []);
	if (elsewhere.length > 0 && strict) {
		throw new MailboxError('conflict', elsewhere.join(' '), otherTags(data, participants));
	}
	for (const sentence of elsewhere) say(sentence);
}

interface Meeting {
	readonly data: string;
	readonly participants: readonly Participant[];
	readonly strict: boolean;
	readonly say: (sentence: string) => void;
}

function atWork(tag: Tag, agents: readonly Agent[], now: number): string | null {
	const agent = agents.find(other => sameTag(other.tag, tag));
	if (agent === undefined) return null;
	const presence = presenceOf(agent, now);
	if (presence === 'away' || presence === 'gone') return null;
	return `${agent.tag} is at work elsewhere (${presence}): ${shared}.`;
}
