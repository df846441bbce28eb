import {realpath} from 'node:fs/promises';
import {homedir} from 'node:os';
import {join} from 'node:path';
import {foldersOf} from '../../join/joined-files.ts';
import {everyCredentials, readCredentials} from '../../join/files/credentials-file.ts';
import {isExcludeFile} from '../../join/files/exclude-file.ts';
import type {Edit} from '../../join/files/file-edit.ts';
import type {Participant} from '../../join/participant.ts';
import {presenceOf, type Agent} from '../../mailbox/agent.ts';
import {MailboxError} from '../../mailbox/error.ts';
import {foldTag, sameTag, type Tag} from '../../mailbox/tag.ts';
import {shellWord} from '../cli/launcher.ts';

const shared = 'two sessions under one tag share an inbox, and each message reaches only one of them';

/** The command with which somebody joins. */
export type JoiningCommand = 'join' | 'run' | 'up';

/** How to go on nevertheless, in parentheses and after a space; empty for a command without --force. */
export function orForce(command: JoiningCommand, purpose: string): string {
	return command === 'join' ? ` (or --force to ${purpose})` : '';
}

/**
 * Rejects with MailboxError `conflict` if several sessions would get the same tag by accident. `data` is the folder with the
 * credentials.
 */
export async function checkFree(
	data: string,
	participants: readonly Participant[],
	command: JoiningCommand,
): Promise<void> {
	const home = await realpath(homedir()).catch(() => null);
	const conflicts: Conflict[] = [];
	for (const {tag, folder} of participants) {
		if (folder === home) {
			throw new MailboxError(
				'conflict',
				`${folder} is your home folder: what is written there holds for the folders below it, so every session would be ${tag}.`,
				`Give the folder of a project with --dir DIR${orForce(command, 'join this one anyway')}.`,
			);
		}
		const [first, ...more] = (await foldersOf(data, tag)).filter(other => other !== folder);
		if (first !== undefined) conflicts.push({tag, first, folders: [first, ...more]});
	}
	const [one] = conflicts;
	if (one === undefined) return;
	const where = conflicts.map(({tag, folders}) => `${tag} has already joined in ${folders.join(' and ')}`).join(', ');
	const remedy = participants.length > 1 ? otherTags(data, participants, command) : otherTag(one, command);
	throw new MailboxError('conflict', `${where}: ${shared}.`, remedy);
}

/**
 * Rejects with MailboxError `conflict` if a file to be written is, by a link, one that join has written for another folder: the second
 * would take the first one's hooks, and leaving one would disarm both.
 */
export async function checkLinks(data: string, {tag, folder}: Participant, edits: readonly Edit[]): Promise<void> {
	const written = everyCredentials(data).flatMap(other =>
		other.folders
			.filter(each => each !== folder)
			.flatMap(where => Object.keys(other.files).map(theirs => ({tag: other.tag, where, theirs})))
			.filter(({where, theirs}) => theirs.startsWith(join(where, '/'))),
	);
	for (const {file} of edits) {
		const real = isExcludeFile(file) ? null : await realpath(file).catch(() => null);
		if (real === null) continue;
		for (const {tag: other, where, theirs} of written) {
			if ((await realpath(theirs).catch(() => null)) !== real) continue;
			throw new MailboxError(
				'conflict',
				`${file} and ${theirs} are the same file by a link, and ${other} has joined in ${where}: ${tag} would take its hooks.`,
				`Give ${folder} files of its own, or first run \`agentmux leave ${other} --dir ${shellWord(where)}\`.`,
			);
		}
	}
}

interface Conflict {
	readonly tag: Tag;
	readonly first: string;
	readonly folders: readonly string[];
}

/** The remedy if the tag of one agent is in use. */
function otherTag({tag, first}: Conflict, command: JoiningCommand): string {
	const there = `${tag} --dir ${shellWord(first)}`;
	const leave = `first leave there (\`agentmux leave ${there}\`)`;
	if (command === 'run') return `Start it there (\`agentmux run ${there}\`), use another tag here, or ${leave}.`;
	return `Use another tag, or ${leave}${command === 'join' ? '; --force joins both' : ''}.`;
}

/** The remedy if tags of a recipe are in use: the first number with which all of them are free. */
function otherTags(data: string, participants: readonly Participant[], command: JoiningCommand): string {
	const own = participants.map(({tag}) => tag.slice(0, 27));
	const bare = own.map(tag => tag.replace(/_\d+$/, ''));
	const stems = new Set(bare.map(foldTag)).size === own.length ? bare : own;
	for (let number = 2; ; number += 1) {
		const tags = stems.map(stem => `${stem}_${number}`);
		if (tags.every(tag => readCredentials(data, tag) === null)) {
			return `Give the recipe's agents other tags: --tags ${tags.join(',')}${orForce(command, 'use these anyway')}.`;
		}
	}
}

/**
 * Warns about each tag that has not joined in this home but under which an agent is working. With `strict` that is a conflict: the
 * agents of a recipe can easily get other tags.
 */
export function checkActiveElsewhere(
	agents: readonly Agent[],
	{data, participants, command, strict, say}: Newcomers,
): void {
	const revoked = agents.filter(
		({tag, revoked_at}) => revoked_at !== null && participants.some(participant => sameTag(participant.tag, tag)),
	);
	if (revoked.length > 0 && strict) {
		throw new MailboxError('conflict', `${revoked[0]?.tag} has been revoked.`, otherTags(data, participants, command));
	}
	const newcomers = participants.filter(({tag}) => readCredentials(data, tag) === null);
	const elsewhere = newcomers.flatMap(({tag}) => activeText(tag, agents, Date.now()) ?? []);
	if (elsewhere.length > 0 && strict) {
		throw new MailboxError('conflict', elsewhere.join(' '), otherTags(data, participants, command));
	}
	for (const sentence of elsewhere) say(sentence);
}

interface Newcomers {
	readonly data: string;
	readonly participants: readonly Participant[];
	readonly command: JoiningCommand;
	readonly strict: boolean;
	readonly say: (sentence: string) => void;
}

/** Null if nobody is working under the tag. */
function activeText(tag: Tag, agents: readonly Agent[], now: number): string | null {
	const agent = agents.find(other => sameTag(other.tag, tag));
	if (agent === undefined) return null;
	const presence = presenceOf(agent, now);
	if (presence === 'away' || presence === 'gone') return null;
	return `${agent.tag} is already working elsewhere (${presence}): ${shared}.`;
}
