import {owner, type MigratedDatabase} from './migrated.ts';

/** Makes the time of a database jump, as when the clock is set or the machine slept. */
export interface ScriptedClock {
	/** Seconds; forward, or back when negative. */
	step(seconds: number): Promise<void>;
	/** Corrects the time. */
	restore(): void;
}

/**
 * PGlite asks this process for the time, so that the clock itself is set. A server has its own clock: there every time that
 * tasks are compared with is moved the other way, which comes to the same.
 */
export function scriptedClock(
	database: MigratedDatabase,
	engine: string,
	{frozen = false}: {/** It stands still between its steps; a server's does not. */ readonly frozen?: boolean} = {},
): ScriptedClock {
	if (engine !== 'PGlite') return {step: seconds => moveTimes(database, seconds), restore: () => undefined};
	const {now} = Date;
	const start = now();
	let offset = 0;
	Date.now = () => (frozen ? start : now()) + offset;
	return {
		async step(seconds) {
			offset += seconds * 1000;
		},
		restore() {
			Date.now = now;
		},
	};
}

async function moveTimes(database: MigratedDatabase, seconds: number): Promise<void> {
	const by = `make_interval(secs => ${-seconds})`;
	await database.script(`
		update agentmux.lease_clock set at = at + ${by};
		update agentmux.claims set again_at = again_at + ${by}, reported_at = reported_at + ${by};
		update events set at = at + ${by};
		update agent_sessions set seen_at = seen_at + ${by};
		alter table tasks disable trigger user;
		update tasks set run_at = run_at + ${by}, lease_until = lease_until + ${by}, created_at = created_at + ${by}, updated_at = updated_at + ${by};
		alter table tasks enable trigger user;
	`);
}

/** Seconds until the lease of a task runs out, by the clock of the database. */
export async function leaseLeft(database: MigratedDatabase, id: number): Promise<number> {
	const sql = 'select extract(epoch from lease_until - clock_timestamp())::float8 as left from tasks where id = $1';
	const [row] = await database.as(owner, sql, [id]);
	return Number(row?.['left']);
}
