/**
 * An embedded Supabase that speaks the protocols of PostgREST and Realtime, over PGlite or a PostgreSQL server, for unmodified
 * supabase-js. This is all that other programs should import; see README.md in this folder.
 */
export {runHub, type Hub, type RunOptions} from './process/run.ts';
export {ensureHub, stopHub, type EnsureOptions} from './process/ensure.ts';
export {findHub, type RunningHub} from './process/find.ts';
export {HubError} from './files/error.ts';
export type {HubPaths} from './files/paths.ts';
export type {Log} from './files/log.ts';
