import {mkdir, rmdir} from 'node:fs/promises';
import {applyAll, type Edit} from '../../join/files/file-edit.ts';
import {planCredentials} from '../../join/folder-credentials.ts';
import {readCredentials} from '../../join/files/credentials-file.ts';
import type {Participant} from '../../join/participant.ts';
import type {Agent, AgentUpdate} from '../../mailbox/agent.ts';
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
	const joined: PlanWithCredentials[] = [];
	const made: string[] = [];
	try {
		const [first] = plans;
		if (first === undefined) return [];
		await withMailbox(invocation, {as: first.participant.tag, kind: 'agent', account: null}, async mailbox =>
			check(await mailbox.agents()),
		);
		// Rows first, then files: if the mailbox cannot be reached, nothing has changed.
		for (const plan of plans) {
			const {tag, role} = plan.participant;
			const own = {...plan, credentials: await createCredentials(invocation, tag, readCredentials(data, tag))};
			opened.push(own);
			await asAgent(invocation, own, role === undefined ? {} : {role});
			joined.push(own);
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
		const notJoined = (all: PlanWithCredentials[]): PlanWithCredentials[] =>
			all.filter(({participant}) => readCredentials(data, participant.tag) === null);
		// A row cannot be removed, but it can be shown as away.
		for (const own of notJoined(joined)) await asAgent(invocation, own, {presence: 'away'}).catch(() => undefined);
		for (const {participant, credentials} of notJoined(opened))
			await undoCredentials(invocation, participant.tag, credentials).catch(() => undefined);
		throw error;
	}
}

function asAgent(
	invocation: Invocation,
	{participant, credentials}: PlanWithCredentials,
	sign: AgentUpdate,
): Promise<Agent> {
	const opening = {as: participant.tag, kind: 'agent', account: credentials.account, token: credentials.token} as const;
	return withMailbox(invocation, opening, mailbox => mailbox.touch(sign));
}
