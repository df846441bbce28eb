import {existsSync} from 'node:fs';
import {rmdir} from 'node:fs/promises';
import {relative} from 'node:path';
import {isDeepStrictEqual} from 'node:util';
import {loadConfig} from '../config.ts';
import {runSql} from '../gateway/management.ts';
import {applyAll, checkWritable, type Edit} from '../join/files/file-edit.ts';
import {planFolderRemoval} from '../join/folder-removal.ts';
import {forgetClient, recordedClients, type Claim} from '../join/clients/client-owner.ts';
import {claude} from '../join/clients/clients.ts';
import {holderIn} from '../join/files/holder.ts';
import {joinedFolders} from '../join/joined-folder.ts';
import {joinedPlaces} from '../join/disarmed.ts';
import {
	damagedCredentials,
	everyCredentials,
	readCredentials,
	type Credentials,
} from '../join/files/credentials-file.ts';
import type {Participant} from '../join/participant.ts';
import {MailboxError, UsageError} from '../mailbox/error.ts';
import {sameTag, type Tag} from '../mailbox/tag.ts';
import {findPaths} from '../paths.ts';
import {p, printable} from '../printable.ts';
import type {Command, Invocation} from './cli/command.ts';
import {shellWord} from './cli/launcher.ts';
import {endCredentials} from './connect/credentials.ts';
import {openOwnersProject} from './connect/owner.ts';
import {withMailbox} from './connect/connect.ts';
import {checkIsHuman} from './connect/human-only.ts';
import {workingFolder} from './connect/identity.ts';
import {remark, write} from './cli/output.ts';
import {chosenParticipants, participantFlags, type Chosen} from './join/participants.ts';
import {watchedTables} from './join/watched.ts';

const command: Command = {
	summary: 'undo join',
	help: `
		Remove what \`agentmux join\` wrote from a folder's files, and nothing else. Messages stay. An agent that has left its last
		folder is refused from then on, wherever its token is kept. With --recipe, folders in DIR that are then empty are removed.
		Exits with 1 if there was nothing to remove.

		Usage
		  agentmux leave TAG [--dir DIR]
		  agentmux leave --recipe NAME [--dir DIR]... [--count N] [--tags A,B]
		  agentmux leave --all

		  --dir, --count, --tags   as given to join; the folders may be gone
		  --all                    every agent leaves every folder of this machine (\`agentmux agents folders\` lists them)

		Examples
		  agentmux leave CLAUDE_1 --dir ~/project
		  agentmux leave --recipe planner-executor --dir ~/agents
	`,
	flags: {...participantFlags, all: {type: 'boolean'}},
	async run(invocation) {
		const {env, flags, stderr} = invocation;
		const {paths} = await loadConfig({env});
		if (flags['all'] !== true) return leave(invocation, paths.data, await chosenParticipants('leave', invocation));
		checkNothingElse(invocation);
		checkIsHuman(env, 'only a human can use --all');
		// Also of those without a folder: another agent has taken it over, or `run` started them in another agent's.
		const homeless = everyCredentials(paths.data).filter(({folders}) => folders.length === 0);
		const places = [...joinedPlaces(paths.data), ...homeless.map(({tag}) => ({tag, folder: paths.data}))];
		const failed: MailboxError[] = damagedCredentials(paths.data);
		for (const {sentence} of failed) remark(stderr, sentence);
		if (places.length + failed.length === 0)
			remark(stderr, 'No agent has joined on this machine; nothing was changed.');
		// One after the other: what is left of an agent's credentials depends on where it has left before. One that cannot leave, as
		// where somebody broke a file, does not keep the others.
		for (const {tag, folder} of places) {
			const one = {recipe: null, participants: [{tag, folder}], named: [folder], contains: false};
			await leave(invocation, paths.data, one).catch((error: unknown) => {
				if (!(error instanceof MailboxError)) throw error;
				remark(stderr, `${tag} has not left ${folder}: ${error.sentence}`);
				failed.push(error);
			});
		}
		return failed.length === 0 ? 0 : 1;
	},
};

function checkNothingElse({input, flags}: Invocation): void {
	const given = Object.keys(participantFlags).find(name => !isDeepStrictEqual(flags[name] ?? [], []));
	if (input.length === 0 && given === undefined) return;
	throw new UsageError('--all takes no tag and no other flag.', 'See `agentmux leave --help`.');
}

/**
 * The participants leave their folders, and the mailbox where that was their last one. Resolves with the exit code: 1 if nobody has
 * left.
 */
async function leave(invocation: Invocation, data: string, {recipe, participants, named}: Chosen): Promise<number> {
	const {env, stdout, stderr} = invocation;
	checkOthers(env, data, participants);
	const plans = await Promise.all(
		participants.map(async participant => ({
			...participant,
			edits: await planFolderRemoval(data, participant.folder, participant.tag),
		})),
	);
	await checkWritable(plans.flatMap(({edits}) => edits));
	for (const sentence of plans.flatMap(({edits}) => edits.flatMap(({remarks}) => remarks))) remark(stderr, sentence);
	const leaving = plans.filter(({edits}) => edits.some(({before, after}) => before !== after));
	for (const {tag, folder} of plans.filter(plan => !leaving.includes(plan))) {
		const other = await holderIn(folder, claude);
		const is = other === null ? '' : ` (${other} has)`;
		remark(stderr, `${tag} has not joined in ${folder}${is}; nothing was changed. ${whereText(data, tag)}`);
	}
	const left = leaving.map(({tag}) => ({tag, credentials: readCredentials(data, tag)}));
	const homeless = left.filter(({credentials}) => credentials?.folders.length === 0);
	const clients = recordedClients(findPaths(env).state);
	// A client that is running watches its folder, and would not read what another join writes into a new one.
	const isRunning = (tag: Tag): boolean => clients.some(each => each.isAlive && sameTag(each.tag, tag));
	await applyAll(leaving.flatMap(({tag, edits}) => edits.map(edit => ({...edit, keepsFolder: isRunning(tag)}))));
	for (const {tag, folder, edits} of leaving) {
		if (recipe !== null && !named.includes(folder)) await rmdir(folder).catch(() => undefined);
		const where = homeless.some(each => sameTag(each.tag, tag)) ? p`` : p` ${printable(folder)}`;
		await write(stdout, p`${printable(tag)} has left${where}.${printable(goneText(folder, edits))}\n`);
		if (!existsSync(folder) && recipe === null) {
			remark(
				stderr,
				`There is no ${folder}. If it was moved, leave there as well: \`agentmux leave ${tag} --dir DIR\``,
			);
		}
	}
	if (leaving.length === 0) return 1;
	if (!(await signOff(invocation, data, left, clients))) return 0;
	for (const {table, to} of await watchedFor(invocation, leaving)) {
		remark(stderr, `${table} is still watched for ${to}. To stop: \`agentmux watch ${table} --to ${to} --off\``);
	}
	return 0;
}

/** Where an agent that is not in the given folder has joined instead, and how to leave there. */
function whereText(data: string, tag: Tag): string {
	const folders = readCredentials(data, tag)?.folders ?? [];
	if (folders.length === 0) return 'See `agentmux agents folders` for who has joined where.';
	const commands = folders.map(folder => `\`agentmux leave ${tag} --dir ${shellWord(folder)}\``);
	return `To leave where it has joined: ${commands.join(' and ')}`;
}

/** Tells the mailbox, and ends the tokens of those who have left their last folder. Resolves with whether it could be reached. */
async function signOff(
	invocation: Invocation,
	data: string,
	left: readonly {readonly tag: Tag; readonly credentials: Credentials | null}[],
	clients: readonly Claim[],
): Promise<boolean> {
	let isReachable = true;
	for (const {tag, credentials} of left) {
		const attempt = (what: string, work: Promise<unknown>): Promise<unknown> =>
			work.catch((error: unknown) => {
				if (!(error instanceof MailboxError)) throw error;
				isReachable = false;
				remark(invocation.stderr, `${what}: ${error.sentence}`);
			});
		const opening = {as: tag, kind: 'agent', account: credentials?.account} as const;
		const isGone = readCredentials(data, tag) === null;
		// Otherwise it would be shown as present for a few more minutes. Its clients may be running, and cannot sign off any more.
		const gone = isGone ? clients.filter(each => sameTag(each.tag, tag)) : [];
		const sessions = [...new Set(gone.flatMap(({session}) => session ?? []))];
		// A hub gives signs of life for those without a server.
		for (const each of gone.filter(({isServed}) => !isServed)) forgetClient(each);
		const away = withMailbox(invocation, opening, async mailbox => {
			for (const session of sessions) await mailbox.touch({presence: 'away', session});
			await mailbox.touch({presence: 'away'});
		});
		await attempt('The mailbox could not be updated', away);
		// It may still be joined in other folders.
		if (isGone) await attempt(`Tokens of ${tag} may still be valid`, endCredentials(invocation, tag, credentials));
	}
	return isReachable;
}

export default command;

/** An agent may leave itself, but may not remove others, because that ends their tokens. Throws MailboxError `forbidden`. */
function checkOthers(env: NodeJS.ProcessEnv, data: string, participants: readonly Participant[]): void {
	const own = joinedFolders(data, workingFolder(env))[0]?.agents ?? [];
	const other = participants.find(({tag}) => !own.some(agent => sameTag(agent.tag, tag)));
	if (other !== undefined) checkIsHuman(env, `an agent cannot remove ${other.tag}`);
}

/** Their watched tables; none if we may not run SQL to find out. */
async function watchedFor(
	invocation: Invocation,
	participants: readonly Participant[],
): Promise<{table: string; to: string}[]> {
	const watched = await openOwnersProject(invocation)
		.then(project => watchedTables(query => runSql(project, query)))
		.catch(() => []);
	return watched.filter(({to}) => participants.some(({tag}) => sameTag(tag, to)));
}

/** The files that were removed from the folder. Those in our own home are not mentioned. */
function goneText(folder: string, edits: readonly Edit[]): string {
	const gone = edits
		.filter(({before, after, mode}) => before !== after && after === null && mode === undefined)
		.map(({file}) => relative(folder, file));
	return gone.length === 0 ? '' : ` Removed, because nothing else was in it: ${gone.join(', ')}.`;
}
