import {DatabaseError} from './database.ts';
import {commentEnd, splitStatements} from './split-statements.ts';

const reads = new Set(['select', 'with', 'values', 'table', 'show', 'explain', 'set']);

/**
 * Throws DatabaseError 25006 if a statement of the script does more than read. A READ ONLY transaction with a read-only role is not
 * enough: the session is shared with the owner, so RESET ROLE would regain its rights, and COPY, which writes files and starts
 * programs, does not count as a write. On Supabase, read-only SQL has a session of its own.
 */
export function requireReadsOnly(sql: string): void {
	const command = firstOther(sql);
	if (command !== null) throw new DatabaseError(`cannot execute ${command} in a read-only transaction`, '25006');
}

/** Whether each statement of the script is a query, going by its first word. A long script is not one, and is not looked through. */
export function isQuery(sql: string): boolean {
	return sql.length <= maxQueryLength && firstOther(sql) === null;
}

/**
 * Whether a statement of the script builds an index, vacuums, or alters something, going by its first words: its time depends on the size
 * of the tables (Scope.isUnlimited). A long script counts as none of these, and is not looked through.
 */
export function isUpkeep(sql: string): boolean {
	if (sql.length > maxQueryLength) return false;
	return splitStatements(sql).some(statement => upkeep.test(statement.slice(beginning(statement))));
}

const upkeep = /^(?:create\s+(?:unique\s+)?index|reindex|vacuum|analy[sz]e|cluster|refresh|alter|checkpoint)\b/i;

/** Characters; to split more takes long. */
const maxQueryLength = 100_000;

/** The first command that does more than read; null if there is none. */
function firstOther(sql: string): string | null {
	for (const statement of splitStatements(sql)) {
		const [, word = '', rest = ''] = /^(\w+)([^]*)$/.exec(statement.slice(beginning(statement))) ?? [];
		const command = word.toLowerCase();
		if (!reads.has(command) || (command === 'set' && !isHarmless(rest))) return word.toUpperCase() || 'this';
	}
	return null;
}

/** Whether `rest` sets a setting that cannot change rights. A name with a comment or an escape in it is not trusted. */
function isHarmless(rest: string): boolean {
	const [, name = ''] = /^\s+(?:(?:session|local)\s+)?(time\s+zone\b|[a-z_][\w.]*(?=\s*=|\s+to\b))/i.exec(rest) ?? [];
	return name !== '' && !/^(?:role|session_authorization)$/i.test(name);
}

/** The index of a statement's first word, after spaces, comments and parentheses. */
function beginning(statement: string): number {
	let at = 0;
	for (;;) {
		if (statement.startsWith('/*', at)) at = commentEnd(statement, at);
		else if (statement.startsWith('--', at)) at = statement.indexOf('\n', at) + 1 || statement.length;
		else if (/[\s(]/.test(statement.charAt(at))) at += 1;
		else return at;
	}
}
