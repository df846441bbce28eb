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
	mux_approvals: {may: {agent: 's', human: 's', service: 's'}},
	mux_edits: {may: {agent: 's', human: 's', service: 's'}},
	mux_meta: read,
	mux_pause_all: {may: {agent: 's', human: 's', service: 's'}},
	mux_scheduled: {may: {agent: 's', human: 's', service: 's'}},
	mux_sight: {may: {agent: 's', human: 's', service: 's'}},
	mux_stops: {may: {agent: 's', human: 's', service: 's'}},
	receipts: read,
	redactions: {may: {agent: 's', human: 's', service: 's'}},
	tasks: read,
};

/** What agents and humans may call, and nobody else. Whatever else there is has no way in from outside: it is not in `public`. */
export const functions: readonly string[] = [
	'agent_focus',
	'agent_groups',
	'agent_pause',
	'agent_restore',
	'agent_resume',
	'agent_revoke',
	'agent_script',
	'agent_sql',
	'agent_stop',
	'agent_stopped',
	'agent_touch',
	'agent_undamp',
	'approval_ask',
	'approval_decide',
	'approval_end',
	'approval_look',
	'approvals_waiting',
	'channel_messages',
	'channel_messages_after',
	'channels',
	'events_between',
	'hook_take',
	'inbox',
	'inbox_check',
	'inbox_take',
	'mailbox_state',
	'message_schedule',
	'messages_poll',
	'messages_since',
	'mux_guard',
	'mux_make_role',
	'receipt_ack',
	'receipt_deliver',
	'receipt_release',
	'receipt_return',
	'redact_message',
	'result_rows',
	'seal_history',
	'scheduled_cancel',
	'search_messages',
	'search_part',
	'session_end',
	'sight_set',
	'sights',
	'task_add',
	'task_assign',
	'task_attempts',
	'task_cancel',
	'task_claim',
	'task_finish',
	'task_heartbeat',
	'task_held',
	'task_plan',
	'task_progress',
	'task_reap',
	'task_renew',
	'task_reprioritise',
	'task_retry',
	'unwatch_table',
	'verify_history',
	'wake_begin',
	'watch_table',
	'watched_tables',
];

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
