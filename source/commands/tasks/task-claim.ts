import {claimObstacle, type Obstacle} from '../../mailbox/tasks/claim-obstacle.ts';
import {sameTag, type Tag} from '../../mailbox/tag.ts';
import {nothingReady} from '../../mailbox/tasks/nothing-ready.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import {noSuchTask} from '../cli/not-found.ts';
import {idWord} from '../cli/values.ts';

const remedies: {readonly [Kind in Exclude<Obstacle['kind'], 'plan'>]: string} = {
	own: 'Use `agentmux tasks progress` and `agentmux tasks finish`.',
	held: 'Use `agentmux tasks claim` without an ID to claim the next one.',
	over: 'Use `agentmux tasks retry` to queue a failed or cancelled task again.',
	assigned: 'Use `agentmux tasks assign` to change that.',
	blocked: 'Cancel one of these tasks.',
	waits: 'Claim it when those are done.',
	later: 'Claim it then.',
	passing: 'Try again.',
};

/** Why no task is ready: what the open ones wait for. */
export async function whyNoneReady(mailbox: Mailbox): Promise<string> {
	const {tag} = await mailbox.identity();
	const paused = await pausedSentence(mailbox, tag);
	if (paused !== null) return paused;
	return ['No task is ready.', ...(await nothingReady(mailbox.tasks, tag))].join(' ');
}

/** Null if the agent is not paused. */
async function pausedSentence(mailbox: Mailbox, me: Tag): Promise<string | null> {
	const pause = (await mailbox.agents()).find(({tag}) => sameTag(tag, me))?.paused ?? null;
	return pause === null ? null : `${me} is paused by ${pause.by}, and can claim nothing until it is resumed.`;
}

/** Why the task was not claimed, and what to do. Rejects with `not_found` if there is no such task. */
export async function whyNotClaimed(mailbox: Mailbox, word: string): Promise<string> {
	const id = idWord(word, 'task');
	const {tag} = await mailbox.identity();
	const paused = await pausedSentence(mailbox, tag);
	if (paused !== null) return paused;
	const obstacle = await claimObstacle(mailbox.tasks, id, tag);
	if (obstacle === null) throw noSuchTask(id);
	const {kind, sentence, queued} = obstacle;
	if (kind !== 'plan') return `${sentence} ${remedies[kind]}`;
	const [first] = queued;
	return `${sentence} ${first === undefined ? 'None of them is queued.' : `Use \`agentmux tasks claim ${first}\`.`}`;
}
