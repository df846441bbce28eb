import {mkdir, rmdir} from 'node:fs/promises';
import {applyAll, type Edit} from '../join/file-edit.ts';
import {planPlace} from '../join/folder.ts';
import {readPlace} from '../join/place-file.ts';
import type {Seat} from '../join/seat.ts';
import type {Agent} from '../mailbox/agent.ts';
import type {Invocation} from './command.ts';
import {hookDoor, withMailbox, type HookDoor} from './connect.ts';

/** What is to be written for one agent in its folder. */
export interface Plan {
	readonly seat: Seat;
	readonly edits: readonly Edit[];
	/** Whether any of them changes anything. */
	readonly changes: boolean;
}

/**
 * Makes rows, folders and files of all agents, or of none; resolves with what the hooks of each open the mailbox with. `data`
 * is where places are kept; `meet` is shown who takes part before anything changes, and may throw. Rejects with MailboxError.
 */
export async function settle(
	invocation: Invocation,
	data: string,
	plans: readonly Plan[],
	meet: (agents: readonly Agent[]) => void,
): Promise<HookDoor[]> {
	const seats = plans.map(({seat}) => seat);
	const as = ({tag}: Seat) => ({as: tag, kind: 'agent'}) as const;
	const joined: Seat[] = [];
	const made: string[] = [];
	try {
		// First the rows, then the files: when the hub cannot be reached, nothing has changed.
		for (const seat of seats) {
			await withMailbox(invocation, as(seat), async mailbox => {
				if (joined.length === 0) meet(await mailbox.agents());
				await mailbox.touch(seat.role === undefined ? {} : {role: seat.role});
				joined.push(seat);
			});
		}
		const doors: HookDoor[] = [];
		const writes: Edit[] = [];
		for (const {seat, edits} of plans) {
			const {tag, folder} = seat;
			if ((await mkdir(folder, {recursive: true})) !== undefined) made.push(folder);
			const door = await hookDoor(invocation, tag, readPlace(data, tag)?.token ?? null);
			doors.push(door);
			writes.push(await planPlace(data, folder, edits, {tag, ...door}), ...edits);
		}
		await applyAll(writes);
		return doors;
	} catch (error) {
		for (const folder of made) await rmdir(folder).catch(() => undefined);
		// A row cannot be taken back; but nobody is there.
		for (const seat of joined.filter(({tag}) => readPlace(data, tag) === null)) {
			await withMailbox(invocation, as(seat), mailbox => mailbox.touch({presence: 'away'})).catch(() => undefined);
		}
		throw error;
	}
}
