import type {Database} from '../database/database.ts';
import type {Binding} from './binding.ts';
import type {Changes} from './changes.ts';
import type {Limits} from './limits.ts';
import type {Shares} from './shares.ts';
import type {Verify} from './token.ts';
import type {Topics} from './topic.ts';

/** What all sockets share. */
export interface Server {
	readonly database: Database;
	readonly verify: Verify;
	readonly limits: Limits;
	readonly topics: Topics;
	readonly changes: Changes;
	readonly shares: Shares;
	/** Whether some policy lets the role read private channels: without one, none has to be asked about a topic. */
	mayReadPrivate(role: string): Promise<boolean>;
	/** The bindings of a join for a role, or why there are none. */
	readBindings(role: string, entries: readonly {readonly [name: string]: unknown}[]): Promise<Binding[] | string>;
	/** Reports an error that no client can be told about. */
	fault(error: unknown): void;
}
