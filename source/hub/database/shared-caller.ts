import type {Scope} from './database.ts';
import {sharedLimits} from './time-limits.ts';

/** The caller of a call, for sharing out turns and time. */
export interface SharedCaller {
	/** An agent or human is one caller, however many tokens it has; its mail is a second one. */
	readonly key: string;
	/** For messages. */
	readonly name: string;
	/** Whether it is cancelled when others are waiting: a request must not hold up the others. */
	readonly isCancellable: boolean;
	/** Whether it is an agent's, or of somebody without a token. */
	readonly isAgent: boolean;
	/** Whether the owner of the database sent it, as SQL or with the service_role key. */
	readonly isOwner: boolean;
	/** Whether it is part of a client's request, which can ask for less at once. */
	readonly isRequest: boolean;
	readonly isMail: boolean;
	/** Whether its cost is limited by its nature, as that of one message is. */
	readonly isBounded: boolean;
	/** Whether it lets others go first. */
	readonly isIdle: boolean;
	/** Whether it is an agent's SQL, of which each caller runs one at a time. */
	readonly isSql: boolean;
}

const names: {readonly [role: string]: string} = {
	postgres: 'the owner of the database',
	service_role: 'the service_role key',
};

/** The caller of a scope. The hub's own queries have no claims, so they do not queue behind a user's queries as the owner. */
export function sharedCallerOf(scope: Scope): SharedCaller {
	const {role, claims, mail = false, bounded = false, whenIdle = false, sql = false, isOwnSql = false} = scope;
	const {forRequest = role !== 'postgres'} = scope;
	const {agent_tag: given, kind} = (claims['app_metadata'] ?? {}) as {
		readonly agent_tag?: unknown;
		readonly kind?: unknown;
	};
	const tag = [given, claims['sub']].find(name => typeof name === 'string') ?? '';
	return {
		key: JSON.stringify([role, claims['role'], tag.toUpperCase(), mail, forRequest, whenIdle]),
		name: tag === '' ? (names[role] ?? role) : tag,
		isCancellable: forRequest && !bounded,
		isAgent: (role === 'authenticated' || role === 'anon') && kind !== 'human',
		isOwner: isOwnSql || (role === 'service_role' && forRequest && !mail),
		isRequest: forRequest,
		isMail: mail,
		isBounded: bounded,
		isIdle: whenIdle,
		isSql: sql,
	};
}

/** Milliseconds that a call may run while others are waiting. */
export function sharedLimit({isCancellable, isAgent}: SharedCaller, limits = sharedLimits): number {
	if (!isCancellable) return Infinity;
	return isAgent ? limits.agents : limits.others;
}
