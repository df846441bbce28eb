import {presences, wakes, type Agent, type Pause} from '../../mailbox/agent.ts';
import {approvalStates, type Approval} from '../../mailbox/approval.ts';
import type {RemovedRow} from '../../mailbox/event.ts';
import type {AuthorKind, MessageRow, Scheduled} from '../../mailbox/message.ts';
import type {Channel, Checked, SearchedTo} from '../../mailbox/query.ts';
import {receiptStates, type Receipt} from '../../mailbox/receipt.ts';
import type {AgentState, ControlChange, PresenceChange, StateChange, TaskChange} from '../../mailbox/state-change.ts';
import type {TableRow} from '../../mailbox/table.ts';
import type {ChainHead, CheckedSeal, SealFault} from '../../mailbox/seal.ts';
import {taskStatuses, type Task, type TaskAttempt} from '../../mailbox/task.ts';
import type {Database} from '../link/database.types.ts';
import {
	misfit,
	among,
	digits,
	flag,
	integer,
	json,
	list,
	nullable,
	object,
	real,
	row,
	rows,
	text,
	type Reader,
} from './columns.ts';
import {anchorOf, type Anchor, type Position} from './position.ts';

const authorKinds: readonly AuthorKind[] = ['human', 'agent', 'system'];

type Schema = Database['public'];
type TableRowOf<Name extends keyof Schema['Tables']> = Schema['Tables'][Name]['Row'];
type RowOf<Name extends keyof Schema['Functions']> = Schema['Functions'][Name]['Returns'] extends readonly (infer Row)[]
	? Row
	: never;

export const readMessage: Reader<MessageRow> = row<MessageRow, TableRowOf<'messages'>>('messages', {
	id: integer,
	content: text,
	tag: text,
	body: text,
	mentions: list(text),
	reply_to: nullable(integer),
	thread_id: integer,
	client_id: nullable(text),
	meta: object,
	author_tag: nullable(text),
	author_kind: nullable(among(authorKinds)),
	verified: flag,
	xid: digits,
	created_at: text,
});

export const readTask: Reader<Task> = row<Task, TableRowOf<'tasks'>>('tasks', {
	id: integer,
	queue: text,
	title: text,
	body: text,
	status: among(taskStatuses),
	priority: integer,
	run_at: nullable(text),
	attempts: integer,
	max_attempts: integer,
	lease_owner: nullable(text),
	lease_token: integer,
	lease_until: nullable(text),
	parent_id: nullable(integer),
	position: integer,
	progress: real,
	note: nullable(text),
	depends_on: list(integer),
	idem_key: nullable(text),
	result: json,
	result_table: nullable(text),
	last_error: nullable(text),
	message_id: nullable(integer),
	assignee: nullable(text),
	created_by: nullable(text),
	created_at: text,
	updated_at: text,
});

const pauseIn = (value: unknown): Pause | undefined => {
	const {at, by, reason = null} = object(value) ?? {};
	const isText = typeof at === 'string' && typeof by === 'string' && (reason === null || typeof reason === 'string');
	return isText ? {at, by, reason} : undefined;
};

export const readAgent: Reader<Agent> = row<Agent, TableRowOf<'agents'>>('agents', {
	tag: text,
	kind: among(authorKinds),
	role: nullable(text),
	presence: among(presences),
	joined_at: text,
	last_seen_at: nullable(text),
	revoked_at: nullable(text),
	sessions: integer,
	wake: nullable(among(wakes)),
	damped: nullable(text),
	// A database of an earlier version has none.
	groups: value => (value === undefined ? [] : list(text)(value)),
	paused: value => (value === undefined ? null : nullable(pauseIn)(value)),
	focused: value => (value === undefined ? false : flag(value)),
	meta: object,
});

export const readReceipt: Reader<Receipt> = row<Receipt, TableRowOf<'receipts'>>('receipts', {
	message_id: integer,
	reader: text,
	state: among(receiptStates),
	route: nullable(text),
	delivered_at: nullable(text),
	read_at: nullable(text),
	acked_at: nullable(text),
	attempts: integer,
	returned: integer,
	takes: integer,
	lease_until: nullable(text),
});

export const readApproval: Reader<Approval> = row<Approval, TableRowOf<'mux_approvals'>>('mux_approvals', {
	id: integer,
	request: text,
	tag: text,
	client: text,
	tool: text,
	input: text,
	cwd: text,
	rules: text,
	state: among(approvalStates),
	asked_at: text,
	waits_until: text,
	answer: nullable(text),
	signature: json,
	decided_by: nullable(text),
	decided_at: nullable(text),
	taken_at: nullable(text),
	reason: nullable(text),
	ended_at: nullable(text),
});

export const readScheduled: Reader<Scheduled> = row<Scheduled, TableRowOf<'mux_scheduled'>>('mux_scheduled', {
	id: integer,
	due_at: text,
	content: text,
	reply_to: nullable(integer),
	client_id: text,
	meta: object,
	author_tag: nullable(text),
	written_at: text,
	failed: nullable(text),
});

/** Reads the answer of `inbox_check`. */
export function readChecked(value: unknown): Omit<Checked, 'messages'> & {readonly messages: MessageRow[]} {
	const {messages, receipts, waiting, open, paused} = object(value) ?? {};
	const ids = list(integer);
	const [others, given] = [ids(waiting), ids(open)];
	if (others === undefined || given === undefined) throw misfit('a check of the mail came without what waits');
	return {
		messages: rows(readMessage, messages),
		receipts: rows(readReceipt, receipts),
		waiting: others,
		open: given,
		paused: pauseIn(paused) ?? null,
	};
}

/** Reads the answer of `search_part`. */
export function readSearchPart(value: unknown): {
	readonly messages: MessageRow[];
	readonly searchedTo: SearchedTo | null;
} {
	const {messages, searched_to, searched_to_at} = object(value) ?? {};
	const [id, at] = [nullable(integer)(searched_to), nullable(text)(searched_to_at)];
	if (id === undefined || at === undefined) throw misfit('a search came without how far it got');
	return {messages: rows(readMessage, messages), searchedTo: id === null ? null : {id, at}};
}

const readAgentKey = row<Pick<Agent, 'tag'>, TableRowOf<'agents'>>('agents', {tag: text});
const readTaskKey = row<Pick<Task, 'id'>, TableRowOf<'tasks'>>('tasks', {id: integer});
const readReceiptKey = row<Pick<Receipt, 'message_id' | 'reader'>, TableRowOf<'receipts'>>('receipts', {
	message_id: integer,
	reader: text,
});

/** The key of a deleted row, which is all that Realtime sends of it where row level security is on. */
export function readRemoved(table: RemovedRow['table'], key: unknown): RemovedRow {
	if (table === 'agents') return {table, ...readAgentKey(key)};
	if (table === 'tasks') return {table, ...readTaskKey(key)};
	return {table, ...readReceiptKey(key)};
}

/** A row of a table that is not ours, with all its columns. */
export const readTableRow: Reader<TableRow> = value => {
	const found = object(value);
	if (found === undefined) throw misfit('a table came without a row');
	return found;
};

const agentStates: readonly AgentState[] = [...presences, 'gone', 'revoked'];
/** As the table's CHECK constraint demands. */
type TaskEvent = TableRowOf<'events'> & {task_id: number; progress: number};
type PresenceEvent = TableRowOf<'events'> & {tag: string};
const readTaskChange = row<TaskChange, TaskEvent>('events', {
	id: integer,
	kind: among(['task']),
	at: text,
	task_id: integer,
	tag: nullable(text),
	state: among(taskStatuses),
	progress: real,
});
const readPresenceChange = row<PresenceChange, PresenceEvent>('events', {
	id: integer,
	kind: among(['presence']),
	at: text,
	tag: text,
	state: among(agentStates),
});
export const readChange: Reader<StateChange> = value =>
	object(value)?.['kind'] === 'task' ? readTaskChange(value) : readPresenceChange(value);

export const readControlChange: Reader<ControlChange> = row<ControlChange, PresenceEvent>('events', {
	id: integer,
	kind: among(['approval', 'pause'] as const),
	at: text,
	approval_id: nullable(integer),
	tag: text,
	state: text,
	reason: nullable(text),
});

/** Null as for CheckedRow. */
type AttemptRow = Omit<RowOf<'task_attempts'>, 'owner' | 'ended_at' | 'outcome' | 'reason'> &
	Record<'owner' | 'ended_at' | 'outcome' | 'reason', string | null>;
export const readAttempt: Reader<TaskAttempt> = row<TaskAttempt, AttemptRow>('task_attempts', {
	attempt: integer,
	owner: nullable(text),
	begun_at: text,
	ended_at: nullable(text),
	outcome: nullable(among(taskStatuses)),
	progress: real,
	reason: nullable(text),
});

export const readChannel: Reader<Channel> = row<Channel, RowOf<'channels'>>('channels', {tag: text, last_id: integer});

export interface MailboxState {
	readonly epoch: string;
	readonly horizon: string;
	/** Null in a database without the migration that adds it; nothing is signed there. */
	readonly mailbox_id: string | null;
	/** The position of the newest settled row, or the beginning if there is none; null if the database does not report it. */
	readonly settled: Position | null;
}

const readHistory = row<Pick<MailboxState, 'epoch' | 'horizon'>, RowOf<'mailbox_state'>>('mailbox_state', {
	epoch: text,
	horizon: digits,
});
export const readState: Reader<MailboxState> = value => ({
	...readHistory(value),
	mailbox_id: text(object(value)?.['mailbox_id']) ?? null,
	settled: settledIn(object(value) ?? {}),
});

function settledIn({
	settled_xid: xid,
	settled_id: id,
	settled_at,
}: {
	readonly [column: string]: unknown;
}): Position | null {
	if (xid === undefined) return null;
	return xid === null ? {xid: '0', id: 0} : readAnchor({xid, id, created_at: settled_at});
}

type AnchorRow = Pick<MessageRow, 'xid' | 'id' | 'created_at'>;
const readAnchorRow = row<AnchorRow, TableRowOf<'messages'>>('messages', {xid: digits, id: integer, created_at: text});
export const readAnchor: Reader<Anchor> = value => anchorOf(readAnchorRow(value));

interface Settled {
	readonly message: MessageRow;
	readonly settled: boolean;
}

export const readChainHead: Reader<ChainHead> = row<ChainHead, RowOf<'seal_history'>>('seal_history', {
	epoch: text,
	seq: integer,
	hash: text,
	more: flag,
});

const sealFaults: readonly SealFault[] = [
	'changed',
	'deleted',
	'inserted',
	'redaction changed',
	'redaction deleted',
	'redaction inserted',
	'seal',
];
/** The generated types do not know which columns of a function's result can be null. */
type CheckedRow = Omit<RowOf<'verify_history'>, 'first_id' | 'fault' | 'message_id'> & {
	first_id: number | null;
	fault: string | null;
	message_id: number | null;
};
export const readCheckedSeal: Reader<CheckedSeal> = row<CheckedSeal, CheckedRow>('verify_history', {
	seq: integer,
	at: text,
	hash: text,
	messages: integer,
	first_id: nullable(integer),
	fault: nullable(among(sealFaults)),
	message_id: nullable(integer),
});

const readRedacted = row<{message_id: number}, TableRowOf<'redactions'>>('redactions', {message_id: integer});
/** Reads the id of a redacted message. */
export const readRedactedId: Reader<number> = value => readRedacted(value).message_id;

const readSettled = row<{settled: boolean}, RowOf<'messages_since'>>('messages_since', {settled: flag});
export const readRow: Reader<Settled> = value => ({message: readMessage(value), ...readSettled(value)});

const readEpochOf = row<{epoch: string}, RowOf<'messages_poll'>>('messages_poll', {epoch: text});
/** Reads a row of `messages_poll`. */
export const readPolled: Reader<Settled & {readonly epoch: string}> = value => ({
	...readRow(value),
	...readEpochOf(value),
});
