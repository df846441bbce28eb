import {claimObstacle, type Obstacle} from '../../mailbox/tasks/claim-obstacle.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import {noSuchTask} from '../cli/not-found.ts';
import {idWord} from '../cli/values.ts';

const remedies: {readonly [Kind in Exclude<Obstacle['kind'], 'plan'>]: string} = {
	own: 'Use `agentmux tasks progress` and `agentmux tasks finish`.',
	held: 'Use `agentmux tasks claim` without an ID to take the next one.',
	over: '`agentmux tasks retry` queues a task again that failed or was cancelled.',
	assigned: '`agentmux tasks assign` changes that.',
	blocked: 'Cancel one of these tasks.',
	waits: 'Claim it when those are done.',
	later: 'Claim it then.',
	passing: 'Try again.',
};

/** Why the task with that number was not given, and what to do. Rejects with `not_found` where there is no such task. */
export async function whyNotClaimed(mailbox: Mailbox, word: string): Promise<string> {
	const id = idWord(word, 'task');
	const {tag} = await mailbox.identity();
	const obstacle = await claimObstacle(mailbox.tasks, id, tag);
	if (obstacle === null) throw noSuchTask(id);
	const {kind, sentence, queued} = obstacle;
	if (kind !== 'plan') return `${sentence} ${remedies[kind]}`;
	const [first] = queued;
	return `${sentence} ${first === undefined ? 'None of them is queued.' : `Use \`agentmux tasks claim ${first}\`.`}`;
}
