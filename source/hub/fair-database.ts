import type {Database, Result, Scope} from './database.ts';

export interface Shares {
	/** Calls that the database is given at once. */
	readonly atOnce: number;
	/** How many of them may be of one caller. */
	readonly perCaller: number;
}

interface Waiting {
	begin(): void;
}

/**
 * A database that callers are served from in turns, whoever asks for more than others: what one sends at once waits for
 * itself, and the next caller waits for one call of it, not for all.
 */
export function fairDatabase(database: Database, {atOnce, perCaller}: Shares): Database {
	/** What waits, by its caller, in the order in which the callers take turns. */
	const queues = new Map<string, Waiting[]>();
	const running = new Map<string, number>();
	let inUse = 0;

	function inTurn(scope: Scope, work: () => Promise<Result[]>): Promise<Result[]> {
		const caller = callerOf(scope);
		return new Promise((resolve, reject) => {
			const begin = (): void => {
				void work()
					.then(resolve, reject)
					.finally(() => {
						inUse--;
						count(caller, -1);
						next();
					});
			};
			const queue = queues.get(caller);
			if (queue === undefined) queues.set(caller, [{begin}]);
			else queue.push({begin});
			next();
		});
	}

	function next(): void {
		for (const [caller, queue] of queues) {
			if (inUse >= atOnce) return;
			if ((running.get(caller) ?? 0) >= perCaller) continue;
			// At the end of the turns again, if anything of it is left.
			queues.delete(caller);
			const first = queue.shift();
			if (queue.length > 0) queues.set(caller, queue);
			inUse++;
			count(caller, 1);
			first?.begin();
		}
	}

	function count(caller: string, by: number): void {
		const left = (running.get(caller) ?? 0) + by;
		if (left === 0) running.delete(caller);
		else running.set(caller, left);
	}

	return {
		run: (scope, statements) => inTurn(scope, () => database.run(scope, statements)),
		script: (scope, sql) => inTurn(scope, () => database.script(scope, sql)),
		listen: (channel, listener) => database.listen(channel, listener),
		close: () => database.close(),
	};
}

/**
 * One agent or human is one caller, however many tokens it has. The hub's own questions, which come without claims, do not
 * wait for what a user runs as the owner.
 */
function callerOf({role, claims}: Scope): string {
	const {app_metadata: metadata, sub = ''} = claims;
	const tag = typeof metadata === 'object' && metadata !== null && 'agent_tag' in metadata ? metadata.agent_tag : sub;
	return JSON.stringify([role, claims['role'], String(tag).toUpperCase()]);
}
