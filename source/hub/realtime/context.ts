import type {Database} from '../database/database.ts';
import type {Binding} from './binding.ts';
import type {Changes} from './changes.ts';
import type {Limits} from './limits.ts';
import type {ChannelShares} from './shares.ts';
import type {Verify} from './token.ts';
import type {Topics} from './topic.ts';

/** The state that all sockets share. */
export interface RealtimeContext {
	readonly database: Database;
	readonly verify: Verify;
	readonly limits: Limits;
	readonly topics: Topics;
	readonly changes: Changes;
	readonly shares: ChannelShares;
	/** Whether any policy lets the role read any private channels at all. */
	mayReadPrivate(role: string): Promise<boolean>;
	/** Checks the bindings of a join for a role. A string is an error message. */
	readBindings(role: string, entries: readonly {readonly [name: string]: unknown}[]): Promise<Binding[] | string>;
	/** Reports an error that cannot be reported to a client. */
	onError(error: unknown): void;
}
