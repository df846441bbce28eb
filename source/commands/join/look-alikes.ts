import type {Participant} from '../../join/participant.ts';
import type {Agent} from '../../mailbox/agent.ts';
import {MailboxError} from '../../mailbox/error.ts';
import {knownTags, resembled, resembles} from '../../mailbox/look-alike.ts';
import {HUMAN, sameTag, SYSTEM, type Tag} from '../../mailbox/tag.ts';
import {orForce, type JoiningCommand} from './conflicts.ts';

/** Throws MailboxError `conflict` for a tag that could be mistaken for the human's: a hasty reader would obey it. */
export function checkNames(participants: readonly Participant[], human: Tag, command: JoiningCommand): void {
	for (const {tag} of participants) {
		const like = [human, HUMAN, SYSTEM].find(other => resembles(tag, other, true));
		if (like === undefined) continue;
		throw new MailboxError(
			'conflict',
			`${tag} looks like ${like}, and would be mistaken for it.`,
			`Use another tag: CLAUDE_1${orForce(command, 'use this one anyway')}.`,
		);
	}
}

/** Warns about each tag that can be mistaken for an existing one. */
export function warnOfLookAlikes(
	agents: readonly Agent[],
	participants: readonly Participant[],
	say: (sentence: string) => void,
): void {
	for (const {tag} of participants) {
		const like = resembled(tag, knownTags(agents.filter(agent => !sameTag(agent.tag, tag))));
		if (like !== null) say(`${tag} looks like ${like}, which is another agent. A less similar tag is safer.`);
	}
}
