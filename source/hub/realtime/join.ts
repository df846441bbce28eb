type Json = {readonly [name: string]: unknown};

/** The parameters of a `phx_join`. */
export interface Join {
	readonly private: boolean;
	readonly broadcast: {readonly ack: boolean; readonly self: boolean};
	/** Replays stored messages from `since` on (milliseconds since 1970). */
	readonly replay: {readonly since: number; readonly limit: number} | null;
	readonly presence: {readonly key: string; readonly enabled: boolean};
	/** The entries of `postgres_changes` as sent. */
	readonly bindings: readonly Json[];
	/** Joined without a config, as old clients do: each change is sent with its own type as the event. */
	readonly legacy: boolean;
	/** Null: use the connection's. */
	readonly token: string | null;
}

/**
 * Parses a join's payload as Supabase Realtime does, where any value except null and false is true. Null for payloads that crash the
 * join there.
 */
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

/** Whether a client sent a token: publishable keys and values other than strings are ignored. */
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
