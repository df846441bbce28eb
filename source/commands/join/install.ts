import {mkdir, rmdir} from 'node:fs/promises';
import {applyAll, type Edit} from '../../join/files/file-edit.ts';
import {planCredentials} from '../../join/folder-credentials.ts';
import {readCredentials} from '../../join/files/credentials-file.ts';
import type {Participant} from '../../join/participant.ts';
import {presenceOf, type Agent, type AgentUpdate} from '../../mailbox/agent.ts';
import {sameTag} from '../../mailbox/tag.ts';
import type {Invocation} from '../cli/command.ts';
import {createCredentials, undoCredentials, type HookCredentials} from '../connect/credentials.ts';
import {withMailbox} from '../connect/connect.ts';

/** The files to write for one agent in its folder. */
export interface Plan {
	readonly participant: Participant;
	readonly edits: readonly Edit[];
	/** Whether any of them changes anything. */
	readonly changes: boolean;
	/** Whether it has the server for SQL. */
	readonly sql: boolean;
	/** Whether it takes part in runs without a user. */
	readonly headless: boolean;
}

interface PlanWithCredentials extends Plan {
	readonly credentials: HookCredentials;
}

interface Options {
	/** Whether their SQL runs as the owner. */
	readonly ownerSql: boolean;
	/** The scripts that the files of the folders name. */
	readonly launchers: readonly Edit[];
	/** Gets the agents of the mailbox before anything changes, and may throw. */
	readonly check: (agents: readonly Agent[]) => void;
}

/**
 * Creates rows, folders and files of all agents, or of none; resolves with the credentials of each. `data` is the folder for
 * credentials. Rejects with MailboxError.
 */
export async function install(
	invocation: Invocation,
	data: string,
	plans: readonly Plan[],
	{ownerSql, check, launchers}: Options,
): Promise<HookCredentials[]> {
	const opened: PlanWithCredentials[] = [];
	const made: string[] = [];
	try {
		const [first] = plans;
		if (first === undefined) return [];
		const known = await withMailbox(
			invocation,
			{as: first.participant.tag, kind: 'agent', account: null},
			async mailbox => mailbox.agents(),
		);
		check(known);
		// Rows first, then files: if the mailbox cannot be reached, nothing has changed.
		for (const plan of plans) {
			const {tag} = plan.participant;
			const own = {...plan, credentials: await createCredentials(invocation, tag, readCredentials(data, tag))};
			opened.push(own);
			await addRow(invocation, own, known);
		}
		const writes: Edit[] = [...launchers];
		for (const {participant, edits, credentials, sql, headless} of opened) {
			const {tag, folder} = participant;
			if ((await mkdir(folder, {recursive: true})) !== undefined) made.push(folder);
			writes.push(
				...(await planCredentials(data, folder, edits, {tag, ...credentials, owner_sql: ownerSql, sql, headless})),
				...edits,
			);
		}
		await applyAll(writes);
		return opened.map(({credentials}) => credentials);
	} catch (error) {
		for (const folder of made) await rmdir(folder).catch(() => undefined);
		// Their rows cannot be removed, but say that nobody is there.
		const notJoined = opened.filter(({participant}) => readCredentials(data, participant.tag) === null);
		for (const {participant, credentials} of notJoined)
			await undoCredentials(invocation, participant.tag, credentials).catch(() => undefined);
		throw error;
	}
}

/** Joining is not being there: until a client starts, the agent is away. One whose client is running keeps its presence. */
async function addRow(
	invocation: Invocation,
	{participant, credentials}: PlanWithCredentials,
	known: readonly Agent[],
): Promise<void> {
	const {tag, role} = participant;
	const {account, token} = credentials;
	const former = known.find(agent => sameTag(agent.tag, tag));
	const isThere = former !== undefined && !['away', 'gone'].includes(presenceOf(former, Date.now()));
	const update: AgentUpdate = {
		...(isThere ? {} : {presence: 'away'}),
		...(role === undefined ? {} : {role}),
	};
	await withMailbox(invocation, {as: tag, kind: 'agent', account, token}, mailbox => mailbox.touch(update));
}
