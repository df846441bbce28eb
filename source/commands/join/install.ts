import {mkdir, rmdir} from 'node:fs/promises';
import {applyAll, type Edit} from '../../join/files/file-edit.ts';
import {planCredentials} from '../../join/folder.ts';
import {readCredentials} from '../../join/files/credentials-file.ts';
import type {Participant} from '../../join/participant.ts';
import type {Agent, Sign} from '../../mailbox/agent.ts';
import type {Invocation} from '../cli/command.ts';
import {hookCredentials, undoCredentials, withMailbox, type HookCredentials} from '../connect/connect.ts';

/** What is to be written for one agent in its folder. */
export interface Plan {
	readonly participant: Participant;
	readonly edits: readonly Edit[];
	/** Whether any of them changes anything. */
	readonly changes: boolean;
}

/** A plan, and what the agent's hooks open the mailbox with. */
interface Opened extends Plan {
	readonly credentials: HookCredentials;
}

interface Terms {
	/** Their SQL is the owner's. */
	readonly ownerSql: boolean;
	/** Is shown who takes part before anything changes, and may throw. */
	readonly meet: (agents: readonly Agent[]) => void;
}

/**
 * Makes rows, folders and files of all agents, or of none; resolves with what the hooks of each open the mailbox with. `data`
 * is where places are kept. Rejects with MailboxError.
 */
export async function install(
	invocation: Invocation,
	data: string,
	plans: readonly Plan[],
	{ownerSql, meet}: Terms,
): Promise<HookCredentials[]> {
	const opened: Opened[] = [];
	const joined: Opened[] = [];
	const made: string[] = [];
	try {
		const [first] = plans;
		if (first === undefined) return [];
		await withMailbox(invocation, {as: first.participant.tag, kind: 'agent', account: null}, async mailbox =>
			meet(await mailbox.agents()),
		);
		// First the rows, then the files: when the mailbox cannot be reached, nothing has changed.
		for (const plan of plans) {
			const {tag, role} = plan.participant;
			const own = {...plan, credentials: await hookCredentials(invocation, tag, readCredentials(data, tag))};
			opened.push(own);
			await asAgent(invocation, own, role === undefined ? {} : {role});
			joined.push(own);
		}
		const writes: Edit[] = [];
		for (const {participant, edits, credentials} of opened) {
			const {tag, folder} = participant;
			if ((await mkdir(folder, {recursive: true})) !== undefined) made.push(folder);
			writes.push(await planCredentials(data, folder, edits, {tag, ...credentials, owner_sql: ownerSql}), ...edits);
		}
		await applyAll(writes);
		return opened.map(({credentials}) => credentials);
	} catch (error) {
		for (const folder of made) await rmdir(folder).catch(() => undefined);
		const strangers = (all: Opened[]): Opened[] =>
			all.filter(({participant}) => readCredentials(data, participant.tag) === null);
		// A row cannot be taken back; but nobody is there.
		for (const own of strangers(joined)) await asAgent(invocation, own, {presence: 'away'}).catch(() => undefined);
		for (const {participant, credentials} of strangers(opened))
			await undoCredentials(invocation, participant.tag, credentials).catch(() => undefined);
		throw error;
	}
}

function asAgent(invocation: Invocation, {participant, credentials}: Opened, sign: Sign): Promise<Agent> {
	const opening = {as: participant.tag, kind: 'agent', account: credentials.account, token: credentials.token} as const;
	return withMailbox(invocation, opening, mailbox => mailbox.touch(sign));
}
