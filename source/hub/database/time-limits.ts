import type {Scope} from './database.ts';

/** Milliseconds that a call may run, by role: Supabase's limits. Other roles have the database's limit. */
const roleLimits: {readonly [role: string]: number} = {anon: 3000, authenticated: 8000};

/** Milliseconds that the owner's statements may run by default. Migrations and upkeep have no limit (Scope.isUnlimited). */
export const statementLimit = 120_000;

type Limited = Pick<Scope, 'role' | 'maxTime' | 'isUnlimited'>;

/** Milliseconds that a call may run; Infinity for no limit. `max`: the database's limit, in milliseconds. */
export function timeLimit({role, maxTime, isUnlimited}: Limited, max: number): number {
	if (isUnlimited === true) return Infinity;
	return Math.min(roleLimits[role] ?? max, maxTime ?? max, max);
}

/** Milliseconds after which a call is cancelled if another caller is waiting. */
export interface SharedLimits {
	readonly agents: number;
	/** Of the owner and the humans. */
	readonly others: number;
}

/** `agents`: the stock server's list_tables takes half a second on PGlite, and more on a busy machine. `others` is less than `lockLimit`: who waits for a lock of theirs is served, rather than refused. */
export const sharedLimits: SharedLimits = {agents: 3000, others: 4000};

/** Milliseconds that a statement waits for a lock. The owner may set another limit. */
export const lockLimit = 5000;

/** PostgreSQL's own message; `details` and `hint` say why it was cancelled and what to do. */
export const overtimeMessage = 'canceling statement due to statement timeout';

/** Milliseconds that upkeep lets others go first: it must get its turn on a database that is always busy. */
export const maxIdleWait = 60_000;
