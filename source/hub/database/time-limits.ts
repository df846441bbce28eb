import type {Scope} from './database.ts';

/** Milliseconds that one call may run by its role: Supabase's own limits. Whoever is not named has the database's. */
const limits: {readonly [role: string]: number} = {anon: 3000, authenticated: 8000};

/** Milliseconds that a statement of the owner may run by default; a migration or an index over a million rows is well below. */
export const statementLimit = 120_000;

/** `longest` in milliseconds: what the database lets any call run. */
export function timeLimit({role}: Pick<Scope, 'role'>, longest: number): number {
	return Math.min(limits[role] ?? longest, longest);
}

/** Milliseconds after which an agent's call is cancelled when somebody else waits for it. */
export const sharedLimit = 1500;

/** Milliseconds that a request waits for its turn. */
export const maxWait = 10_000;

/** Milliseconds that a statement waits for a lock; less than a request waits for its turn. The owner may set another one. */
export const lockLimit = 5000;

/** In PostgreSQL's words. `details` and `hint`: why it was not let go on, and what to do. */
export const overtimeMessage = 'canceling statement due to statement timeout';
