/**
 * An embedded Supabase: PostgREST's and Realtime's dialects over PGlite or a PostgreSQL, for unmodified supabase-js. What other
 * programs may import; see README.md beside this file.
 */
export {runHub, type Hub, type RunOptions} from './process/run.ts';
export {ensureHub, stopHub, type EnsureOptions} from './process/ensure.ts';
export {findHub, type RunningHub} from './process/find.ts';
export {HubError} from './files/error.ts';
export type {HubPaths} from './files/paths.ts';
export type {Log} from './files/log.ts';
