import type {Mailbox} from '../mailbox.ts';
import type {Task} from '../task.ts';

const page = 1000;
/** How many levels of plans within plans are read. */
const maxDepth = 8;

/** Maximum ids per request. */
const maxIds = 200;

/** The steps of all of these tasks. */
export async function stepsOf(board: Pick<Mailbox['tasks'], 'list'>, parents: readonly number[]): Promise<Task[]> {
	const steps: Task[] = [];
	for (let at = 0; at < parents.length; at += maxIds) {
		steps.push(...(await board.list({parents: parents.slice(at, at + maxIds), limit: page})));
	}
	return steps;
}

/** The tasks below each of these that are no plans themselves, by the id of the one that they are below. */
export async function leavesBelow(
	board: Pick<Mailbox['tasks'], 'list'>,
	ids: readonly number[],
): Promise<ReadonlyMap<number, readonly Task[]>> {
	const leaves = new Map<number, Task[]>();
	/** Of each task of the present level, the one that it is below. */
	let roots = new Map(ids.map(id => [id, id]));
	let level: readonly Task[] = [];
	for (let depth = 0; depth <= maxDepth && roots.size > 0; depth++) {
		const below = depth === maxDepth ? [] : await stepsOf(board, [...roots.keys()]);
		for (const task of level) {
			if (below.some(({parent_id}) => parent_id === task.id)) continue;
			const root = roots.get(task.id) ?? task.id;
			leaves.set(root, [...(leaves.get(root) ?? []), task]);
		}
		const next = new Map<number, number>();
		for (const {id, parent_id} of below) next.set(id, roots.get(parent_id ?? id) ?? id);
		[roots, level] = [next, below];
	}
	return leaves;
}
