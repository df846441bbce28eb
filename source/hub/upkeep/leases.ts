import type {Statement} from '../database/database.ts';

/**
 * Makes tasks with expired leases available again; a hub runs it every `period` milliseconds. If much more time has passed, the machine
 * slept or the database was unavailable, and that time does not count. Writes nothing while no task is leased.
 */
export function watchLeases(period: number): Statement {
	return {text: 'select agentmux.tend_tasks(make_interval(secs => $1::float8 / 1000))', values: [String(period)]};
}

/** The same after the hub or its database was unavailable: the time since the last check does not count for any lease. */
export const resumeLeases: Statement = {text: 'select agentmux.tend_tasks(null, true)'};
