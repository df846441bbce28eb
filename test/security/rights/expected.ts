// Who may do what, decided by people. What the catalogue holds and this table does not is a fault, and so is the other way round.

export const roles = ['anon', 'stranger', 'agent', 'revoked', 'human', 'service'] as const;
/** `stranger`: signed in to the same project, but nobody made it an agent. `revoked`: an agent that was shut out. */
export type Role = (typeof roles)[number];

interface Table {
	/** s(elect), i(nsert), u(pdate), d(elete); who is not named may do nothing. */
	readonly may: Partial<Record<Role, string>>;
	/** A row that may be inserted, where somebody may insert. */
	readonly row?: (tag: string) => Readonly<Record<string, unknown>>;
	/** The columns that those who may insert may give; the others are the database's own to fill in. */
	readonly columns?: readonly string[];
}

const read: Table = {may: {agent: 's', human: 's', service: 'siud'}};
const internal: Table = {may: {}};

export const tables: Readonly<Record<string, Table>> = {
	agent_sessions: read,
	agents: read,
	channel_entries: internal,
	cursors: read,
	events: read,
	messages: {
		may: {agent: 'si', human: 'si', service: 'siud'},
		row: tag => ({content: `[${tag}] of the matrix of rights`}),
		columns: ['content', 'reply_to', 'client_id', 'meta'],
	},
	mux_meta: read,
	receipts: read,
	redactions: {may: {agent: 's', human: 's', service: 's'}},
	tasks: read,
};

/**
 * `members`: agents and humans, and nobody else; `pure`: computes something from its arguments, for everyone who is signed in;
 * `nobody`: no way in from outside.
 */
export type Callers = 'members' | 'pure' | 'nobody';

export const functions: Readonly<Record<string, Callers>> = {
	agent_restore: 'members',
	agent_revoke: 'members',
	agent_script: 'members',
	agent_sql: 'members',
	agent_touch: 'members',
	channel_messages: 'members',
	channel_messages_after: 'members',
	channels: 'members',
	events_between: 'members',
	inbox: 'members',
	inbox_take: 'members',
	mailbox_state: 'members',
	messages_since: 'members',
	mux_ack: 'nobody',
	mux_acting: 'members',
	mux_admitted: 'members',
	mux_advance: 'nobody',
	mux_agent_history: 'nobody',
	mux_body: 'pure',
	mux_event_written: 'nobody',
	mux_gone: 'nobody',
	mux_guard: 'members',
	mux_identity: 'pure',
	mux_lease: 'nobody',
	mux_make_role: 'members',
	mux_me: 'members',
	mux_mentions: 'pure',
	mux_message_before_insert: 'nobody',
	mux_message_entries: 'nobody',
	mux_message_notify: 'nobody',
	mux_reply_acks: 'nobody',
	mux_set_revoked: 'nobody',
	mux_tag: 'pure',
	mux_take_turn: 'nobody',
	mux_task_before_update: 'nobody',
	mux_task_changed: 'nobody',
	mux_task_derive: 'nobody',
	mux_task_history: 'nobody',
	mux_task_tree: 'nobody',
	mux_waiting: 'nobody',
	mux_watch_statement: 'nobody',
	mux_watch_target: 'nobody',
	mux_watcher: 'nobody',
	mux_words: 'pure',
	mux_words_query: 'nobody',
	receipt_ack: 'members',
	receipt_deliver: 'members',
	receipt_release: 'members',
	redact_message: 'members',
	seal_history: 'members',
	result_rows: 'members',
	search_messages: 'members',
	task_add: 'members',
	task_assign: 'members',
	task_cancel: 'members',
	task_claim: 'members',
	task_finish: 'members',
	task_heartbeat: 'members',
	task_plan: 'members',
	task_progress: 'members',
	task_reap: 'members',
	task_reprioritise: 'members',
	task_retry: 'members',
	unwatch_table: 'members',
	verify_history: 'members',
	watch_table: 'members',
	watched_tables: 'members',
};

/** What a function is called with that looks at its arguments before it looks at its caller; all others are given nulls. */
export const samples: Readonly<Record<string, object>> = {
	agent_script: {p_statements: ['select 1']},
	agent_sql: {p_query: 'select 1'},
};

/**
 * What the roles of requests may touch outside `public`, as the catalogue has it: REST exposes none of it. `realtime` is as on
 * Supabase: policies on its messages decide who joins a private channel, and there are none to begin with.
 */
export const elsewhere: readonly string[] = [
	'auth.jwt()',
	'auth.role()',
	'auth.uid()',
	'extensions.pgrst_ddl_watch()',
	'extensions.pgrst_drop_watch()',
	'realtime.capture_change()',
	'realtime.capture_message()',
	'realtime.messages',
	'realtime.notice_ddl()',
	'realtime.send(jsonb,text,text,boolean)',
	'realtime.topic()',
];

/** The tables whose changes Realtime reports. */
export const published: readonly string[] = ['agents', 'messages', 'receipts', 'tasks'];
