import {presences, wakes, type Agent} from '../../mailbox/agent.ts';
import {MailboxError} from '../../mailbox/error.ts';
import type {RemovedRow} from '../../mailbox/event.ts';
import type {Json} from '../../mailbox/json.ts';
import type {AuthorKind, MessageRow} from '../../mailbox/message.ts';
import type {Channel} from '../../mailbox/query.ts';
import {receiptStates, type Receipt} from '../../mailbox/receipt.ts';
import type {AgentState, PresenceChange, StateChange, TaskChange} from '../../mailbox/state-change.ts';
import type {TableRow} from '../../mailbox/table.ts';
import type {ChainHead, CheckedSeal, SealFault} from '../../mailbox/seal.ts';
import {taskStatuses, type Task, type TaskAttempt} from '../../mailbox/task.ts';
import type {Database} from '../link/database.types.ts';
import {anchorOf, type Anchor, type Position} from './position.ts';

/*
 * Everything that comes from the network is checked once, here, and by hand: a schema library would slow down the start of every
 * command. Unknown columns are left out. Each reader throws MailboxError `schema` for a row that does not have the expected shape.
 */

export type Reader<T> = (row: unknown) => T;
type Column<T> = (value: unknown) => T | undefined;

const authorKinds: readonly AuthorKind[] = ['human', 'agent', 'system'];

const text: Column<string> = value => (typeof value === 'string' ? value : undefined);
const flag: Column<boolean> = value => (typeof value === 'boolean' ? value : undefined);
const real: Column<number> = value => (typeof value === 'number' && Number.isFinite(value) ? value : undefined);
/** A bigint comes as a number, or as digits from a server that protects it from JavaScript's rounding. */
const integer: Column<number> = value => {
	const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
	return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined;
};
/** An xid8: digits, or a number from a server that does not know the type. */
const digits: Column<string> = value => {
	const string = typeof value === 'number' ? String(value) : value;
	return typeof string === 'string' && /^\d+$/.test(string) ? string : undefined;
};
const json: Column<Json> = value => (value === undefined ? undefined : (value as Json));
const object: Column<{[key: string]: Json}> = value =>
	typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as {[key: string]: Json}) : undefined;

function nullable<T>(column: Column<T>): Column<T | null> {
	return value => (value === null ? null : column(value));
}

function list<T>(column: Column<T>): Column<T[]> {
	return value => {
		if (!Array.isArray(value)) return undefined;
		const items = value.map(column).filter(item => item !== undefined);
		return items.length === value.length ? items : undefined;
	};
}

function among<T extends string>(names: readonly T[]): Column<T> {
	return value => names.find(name => name === value);
}

type Schema = Database['public'];
type TableRowOf<Name extends keyof Schema['Tables']> = Schema['Tables'][Name]['Row'];
type RowOf<Name extends keyof Schema['Functions']> = Schema['Functions'][Name]['Returns'] extends readonly (infer Row)[]
	? Row
	: never;

/** The type that the mailbox may expect of a column; `unknown` stands for PostgreSQL types without a TypeScript equivalent. */
type Sent<Value> = unknown extends Value ? unknown : Value extends readonly (infer Item)[] ? readonly Item[] : Value;

/** `never` where the migrations have no such column, another type, or a null that the mailbox does not expect. */
type Fitting<Expected, Value> = [Expected] extends [Sent<Value>]
	? [unknown] extends [Value]
		? Expected
		: [null, Extract<Expected, null>] extends [Value, never]
			? never
			: Expected
	: never;

/** A reader that takes exactly the columns named. `From`: the row that the database sends, by its generated types. */
function row<T extends object, From extends object>(
	table: string,
	columns: {readonly [Name in keyof T]-?: Column<Name extends keyof From ? Fitting<T[Name], From[Name]> : never>},
): Reader<T> {
	const entries = Object.entries(columns) as [string, Column<unknown>][];
	return value => {
		const from = object(value);
		if (from === undefined) throw misfit(`${table} came without a row`);
		const to: Record<string, unknown> = {};
		for (const [name, column] of entries) {
			const read = column(from[name]);
			if (read === undefined) throw misfit(`${table}.${name} is missing or of another type`);
			to[name] = read;
		}
		return to as T;
	};
}

/** Reads an array of rows, or the single row of a function that does not return a set. */
export function rows<T>(reader: Reader<T>, data: unknown): T[] {
	if (data === null || data === undefined) return [];
	return (Array.isArray(data) ? data : [data]).map(reader);
}

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

function misfit(what: string): MailboxError {
	return new MailboxError(
		'schema',
		`The tables in the database are of another version: ${what}.`,
		'Apply supabase/migrations to it with `supabase db push`.',
	);
}
