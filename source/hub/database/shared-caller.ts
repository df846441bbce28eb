import type {Scope} from './database.ts';

/** The caller of a call, for sharing out turns and time. */
export interface SharedCaller {
	/** An agent or human is one caller, however many tokens it has; its mail is a second one. */
	readonly key: string;
	/** For messages. */
	readonly name: string;
	/** Whether it is cancelled when others are waiting: an agent's query must not hold up the others. */
	readonly isCancellable: boolean;
	/** Whether the owner of the database sent it, as SQL or with the service_role key. */
	readonly isOwner: boolean;
	/** Whether it is part of a client's request, which fails rather than wait for long. */
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
	const isGuest = role === 'authenticated' || role === 'anon';
	return {
		key: JSON.stringify([role, claims['role'], tag.toUpperCase(), mail, forRequest, whenIdle]),
		name: tag === '' ? (names[role] ?? role) : tag,
		isCancellable: isGuest && kind !== 'human' && forRequest && !bounded,
		isOwner: isOwnSql || (role === 'service_role' && forRequest && !mail),
		isRequest: forRequest,
		isMail: mail,
		isBounded: bounded,
		isIdle: whenIdle,
		isSql: sql,
	};
}
