import {rmdir} from 'node:fs/promises';
import {relative} from 'node:path';
import {loadConfig} from '../config.ts';
import {runSql} from '../gateway/management.ts';
import {applyAll, checkWritable, type Edit} from '../join/files/file-edit.ts';
import {planUnfolder} from '../join/folder.ts';
import {tagIn} from '../join/files/mcp-file.ts';
import {joinedFolders} from '../join/joined-folder.ts';
import {readCredentials} from '../join/files/credentials-file.ts';
import type {Participant} from '../join/participant.ts';
import {MailboxError} from '../mailbox/error.ts';
import {sameTag} from '../mailbox/tag.ts';
import {p, printable} from '../printable.ts';
import type {Command, Invocation} from './cli/command.ts';
import {endCredentials, openOwnersProject, withMailbox} from './connect/connect.ts';
import {checkIsHuman} from './connect/human-only.ts';
import {workingFolder} from './connect/identity.ts';
import {remark, write} from './cli/output.ts';
import {chosenParticipants, participantFlags} from './join/participants.ts';
import {watchedTables} from './join/watched.ts';

const command: Command = {
	summary: 'undo join',
	help: `
		Take out of a folder's files what \`agentmux join\` wrote, and nothing else. Messages stay. An agent that has left its last
		folder is refused from then on, wherever its token is kept. With --recipe, folders in DIR that are empty then are removed too.

		Usage
		  agentmux leave TAG [--dir DIR]
		  agentmux leave --recipe NAME [--dir DIR]... [--tags A,B]

		  --dir, --tags as they were given to join; folders need not be there any more

		Examples
		  agentmux leave CLAUDE_1 --dir ~/project
		  agentmux leave --recipe planner-executor --dir ~/agents
	`,
	flags: participantFlags,
	async run(invocation) {
		const {env, stdout, stderr} = invocation;
		const {recipe, participants, named} = await chosenParticipants('leave', invocation);
		const {paths} = await loadConfig({env});
		checkOthers(env, paths.data, participants);
		const plans = await Promise.all(
			participants.map(async participant => ({
				...participant,
				edits: await planUnfolder(paths.data, participant.folder, participant.tag),
			})),
		);
		await checkWritable(plans.flatMap(({edits}) => edits));
		for (const sentence of plans.flatMap(({edits}) => edits.flatMap(({remarks}) => remarks))) remark(stderr, sentence);
		const leaving = plans.filter(({edits}) => edits.some(({before, after}) => before !== after));
		for (const {tag, folder} of plans.filter(plan => !leaving.includes(plan))) {
			const other = await tagIn(folder);
			const is = other === null ? '' : ` (it is ${other}'s)`;
			remark(stderr, `${tag} has not joined in ${folder}${is}; nothing was changed.`);
		}
		const doors = leaving.map(({tag}) => ({tag, door: readCredentials(paths.data, tag)}));
		await applyAll(leaving.flatMap(({edits}) => edits));
		for (const {tag, folder, edits} of leaving) {
			if (recipe !== null && !named.includes(folder)) await rmdir(folder).catch(() => undefined);
			await write(stdout, p`${printable(tag)} has left ${printable(folder)}.${printable(goneText(folder, edits))}\n`);
		}
		if (leaving.length === 0) return;
		let isTold = true;
		for (const {tag, door: credentials} of doors) {
			const tell = (what: string, work: Promise<unknown>): Promise<unknown> =>
				work.catch((error: unknown) => {
					if (!(error instanceof MailboxError)) throw error;
					isTold = false;
					remark(stderr, `${what}: ${error.sentence}`);
				});
			const opening = {as: tag, kind: 'agent', account: credentials?.account} as const;
			// Otherwise the others see for a few minutes yet that it is there.
			const away = withMailbox(invocation, opening, mailbox => mailbox.touch({presence: 'away'}));
			await tell('The mailbox was not told', away);
			// It may have its place in other folders yet.
			if (readCredentials(paths.data, tag) === null)
				await tell(`Tokens of ${tag} may still be valid`, endCredentials(invocation, tag, credentials));
		}
		if (!isTold) return;
		for (const {table, to} of await watchedFor(invocation, leaving)) {
			remark(stderr, `${table} is still watched for ${to}: \`agentmux watch ${table} --to ${to} --off\` ends it.`);
		}
	},
};

export default command;

/** An agent may go, and send no other away: that ends its tokens. Throws MailboxError `forbidden`. */
function checkOthers(env: NodeJS.ProcessEnv, data: string, participants: readonly Participant[]): void {
	const own = joinedFolders(data, workingFolder(env))[0]?.agents ?? [];
	const other = participants.find(({tag}) => !own.some(agent => sameTag(agent.tag, tag)));
	if (other !== undefined) checkIsHuman(env, `an agent cannot remove ${other.tag}`);
}

/** None where SQL is not for us to run: nobody knows then. */
async function watchedFor(
	invocation: Invocation,
	participants: readonly Participant[],
): Promise<{table: string; to: string}[]> {
	const watched = await openOwnersProject(invocation)
		.then(project => watchedTables(query => runSql(project, query)))
		.catch(() => []);
	return watched.filter(({to}) => participants.some(({tag}) => sameTag(tag, to)));
}

/** Which of the folder's files are gone; what lies in our own home is not spoken of. */
function goneText(folder: string, edits: readonly Edit[]): string {
	const gone = edits
		.filter(({before, after, mode}) => before !== after && after === null && mode === undefined)
		.map(({file}) => relative(folder, file));
	return gone.length === 0 ? '' : ` What held nothing else is gone: ${gone.join(', ')}.`;
}
