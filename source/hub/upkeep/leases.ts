import type {Statement} from '../database/database.ts';

/**
 * Looks at the leases of tasks, as a hub does every `period` milliseconds, and puts back what ran out. After a longer pause
 * the machine slept or the database was away: that costs no lease. Writes nothing while no task is leased.
 */
export function watchLeases(period: number): Statement {
	return {text: 'select agentmux.reap(make_interval(secs => $1::float8 / 1000))', values: [String(period)]};
}

/** The same when the hub or its database was away: since somebody looked last, no time has passed for any lease. */
export const resumeLeases: Statement = {text: 'select agentmux.reap(null, true)'};
