import type {Scope} from './database.ts';

/** For whom a call runs, as turns and time are shared out. */
export interface SharedCaller {
	/** One agent or human is one caller, however many tokens it has; its mail is counted by itself. */
	readonly key: string;
	/** What people call it. */
	readonly name: string;
	/** Whether its time is short while others wait: what an agent asks must not hold up the others. */
	readonly isCancellable: boolean;
	/** Whether it is what the owner of the database runs, by SQL or with the service_role key. */
	readonly isOwner: boolean;
	/** Whether it is part of a request, whose sender is not to wait for long; the hub's own work waits. */
	readonly isRequest: boolean;
	readonly isMail: boolean;
	/** Whether it waits until the caller's SQL before it is done. */
	readonly isSql: boolean;
}

const names: {readonly [role: string]: string} = {
	postgres: 'the owner of the database',
	service_role: 'the service_role key',
};

/**
 * The caller of a scope. The hub's own questions, which come without claims, do not wait for what a user runs as the owner.
 */
export function sharedCallerOf(scope: Scope): SharedCaller {
	const {role, claims, mail = false, bounded = false, sql = false, isOwnSql = false} = scope;
	const {forRequest = role !== 'postgres'} = scope;
	const {agent_tag: given, kind} = (claims['app_metadata'] ?? {}) as {
		readonly agent_tag?: unknown;
		readonly kind?: unknown;
	};
	const tag = [given, claims['sub']].find(name => typeof name === 'string') ?? '';
	const isGuest = role === 'authenticated' || role === 'anon';
	return {
		key: JSON.stringify([role, claims['role'], tag.toUpperCase(), mail, forRequest]),
		name: tag === '' ? (names[role] ?? role) : tag,
		isCancellable: isGuest && kind !== 'human' && forRequest && !bounded,
		isOwner: isOwnSql || (role === 'service_role' && forRequest && !mail),
		isRequest: forRequest,
		isMail: mail,
		isSql: sql,
	};
}
