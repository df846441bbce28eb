import {mkdir, rmdir} from 'node:fs/promises';
import {applyAll, type Edit} from '../../join/files/file-edit.ts';
import {planPlace} from '../../join/folder.ts';
import {readPlace} from '../../join/files/place-file.ts';
import type {Seat} from '../../join/seat.ts';
import type {Agent, Sign} from '../../mailbox/agent.ts';
import type {Invocation} from '../cli/command.ts';
import {hookDoor, undoDoor, withMailbox, type HookDoor} from '../connect/connect.ts';

/** What is to be written for one agent in its folder. */
export interface Plan {
	readonly seat: Seat;
	readonly edits: readonly Edit[];
	/** Whether any of them changes anything. */
	readonly changes: boolean;
}

/** A plan, and what the agent's hooks open the mailbox with. */
interface Opened extends Plan {
	readonly door: HookDoor;
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
export async function settle(
	invocation: Invocation,
	data: string,
	plans: readonly Plan[],
	{ownerSql, meet}: Terms,
): Promise<HookDoor[]> {
	const opened: Opened[] = [];
	const joined: Opened[] = [];
	const made: string[] = [];
	try {
		const [first] = plans;
		if (first === undefined) return [];
		await withMailbox(invocation, {as: first.seat.tag, kind: 'agent', account: null}, async mailbox =>
			meet(await mailbox.agents()),
		);
		// First the rows, then the files: when the mailbox cannot be reached, nothing has changed.
		for (const plan of plans) {
			const {tag, role} = plan.seat;
			const own = {...plan, door: await hookDoor(invocation, tag, readPlace(data, tag))};
			opened.push(own);
			await asAgent(invocation, own, role === undefined ? {} : {role});
			joined.push(own);
		}
		const writes: Edit[] = [];
		for (const {seat, edits, door} of opened) {
			const {tag, folder} = seat;
			if ((await mkdir(folder, {recursive: true})) !== undefined) made.push(folder);
			writes.push(await planPlace(data, folder, edits, {tag, ...door, owner_sql: ownerSql}), ...edits);
		}
		await applyAll(writes);
		return opened.map(({door}) => door);
	} catch (error) {
		for (const folder of made) await rmdir(folder).catch(() => undefined);
		const strangers = (all: Opened[]): Opened[] => all.filter(({seat}) => readPlace(data, seat.tag) === null);
		// A row cannot be taken back; but nobody is there.
		for (const own of strangers(joined)) await asAgent(invocation, own, {presence: 'away'}).catch(() => undefined);
		for (const {seat, door} of strangers(opened)) await undoDoor(invocation, seat.tag, door).catch(() => undefined);
		throw error;
	}
}

function asAgent(invocation: Invocation, {seat, door}: Opened, sign: Sign): Promise<Agent> {
	const opening = {as: seat.tag, kind: 'agent', account: door.account, token: door.token} as const;
	return withMailbox(invocation, opening, mailbox => mailbox.touch(sign));
}
