type Json = {readonly [name: string]: unknown};

/** What a `phx_join` asks for. */
export interface Join {
	readonly private: boolean;
	readonly broadcast: {readonly ack: boolean; readonly self: boolean};
	/** Messages of the database to be sent again, from `since` (milliseconds since 1970) on. */
	readonly replay: {readonly since: number; readonly limit: number} | null;
	readonly presence: {readonly key: string; readonly enabled: boolean};
	/** The entries of `postgres_changes` as sent. */
	readonly bindings: readonly Json[];
	/** Joined the old way, without a config: changes come under their own event. */
	readonly legacy: boolean;
	/** Null: the connection's own. */
	readonly token: string | null;
}

/** Reads a join's payload as the real server does, which takes any value but null and false for true; null is what crashes it. */
export function parseJoin(topicName: string, payload: unknown): Join | null {
	if (!isObject(payload)) return null;
	const {access_token: token, user_token: oldToken} = payload;
	const config = payload['config'] ?? {};
	if (!isObject(config)) return null;
	const broadcast = config['broadcast'] ?? {};
	const presence = config['presence'] ?? {};
	if (!isObject(broadcast) || !isObject(presence)) return null;
	const legacy = !Object.hasOwn(payload, 'config');
	const listed = legacy ? [legacyBinding(topicName)] : config['postgres_changes'];
	const entries = (Array.isArray(listed) ? (listed as unknown[]) : []).filter(entry => entry !== null);
	if (!entries.every(isObject)) return null;
	const {key} = presence;
	return {
		private: truthy(config['private']),
		broadcast: {ack: truthy(broadcast['ack']), self: truthy(broadcast['self'])},
		replay: parseReplay(broadcast['replay']),
		presence: {
			key: typeof key === 'string' || typeof key === 'number' ? String(key) : '',
			enabled: presence['enabled'] === undefined || truthy(presence['enabled']),
		},
		bindings: entries,
		legacy,
		token: [token, oldToken].find(isToken) ?? null,
	};
}

/** A token that a client means as one: publishable keys and what is no string say nothing. */
export function isToken(value: unknown): value is string {
	return typeof value === 'string' && !value.startsWith('sb_');
}

export function isObject(value: unknown): value is Json {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function truthy(value: unknown): boolean {
	return value !== undefined && value !== null && value !== false;
}

function parseReplay(value: unknown): Join['replay'] {
	if (!isObject(value)) return null;
	const {since, limit} = value;
	return {
		since: typeof since === 'number' ? since : Date.now(),
		limit: typeof limit === 'number' && limit >= 1 && limit <= 25 ? Math.floor(limit) : 25,
	};
}

/** `schema`, `schema:table` or `schema:table:filter`. */
function legacyBinding(topicName: string): Json {
	const [schema = '', table, ...filter] = topicName.split(':');
	if (table === undefined) return {schema};
	return filter.length === 0 ? {schema, table} : {schema, table, filter: filter.join(':')};
}
