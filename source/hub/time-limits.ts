import type {Scope} from './database.ts';

/** Milliseconds that one call may run by its role: Supabase's own limits. Whoever is not named has the database's. */
const limits: {readonly [role: string]: number} = {anon: 3000, authenticated: 8000};

/** `longest` in milliseconds: what the database lets any call run. */
export function timeLimit({role}: Pick<Scope, 'role'>, longest: number): number {
	return Math.min(limits[role] ?? longest, longest);
}
