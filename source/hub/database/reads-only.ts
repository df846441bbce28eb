import {DatabaseError} from './database.ts';
import {commentEnd, splitStatements} from './split-statements.ts';

const reads = new Set(['select', 'with', 'values', 'table', 'show', 'explain', 'set']);

/**
 * Throws (25006) for a script of which a statement does more than read. The transaction is READ ONLY, and its role may
 * only read; but it shares its session with the owner, so that RESET ROLE would take it back, and COPY, which writes
 * files and starts programs, is no write to PostgreSQL. On Supabase the reader has a session of its own.
 */
export function requireReadsOnly(sql: string): void {
	for (const statement of splitStatements(sql)) {
		const [, word = '', rest = ''] = /^(\w+)([^]*)$/.exec(statement.slice(beginning(statement))) ?? [];
		const command = word.toLowerCase();
		if (reads.has(command) && (command !== 'set' || isHarmless(rest))) continue;
		throw new DatabaseError(`cannot execute ${word.toUpperCase() || 'this'} in a read-only transaction`, '25006');
	}
}

/** What follows SET, plainly written: with a comment or an escape in its name, it may be anything. */
function isHarmless(rest: string): boolean {
	const [, name = ''] = /^\s+(?:(?:session|local)\s+)?(time\s+zone\b|[a-z_][\w.]*(?=\s*=|\s+to\b))/i.exec(rest) ?? [];
	return name !== '' && !/^(?:role|session_authorization)$/i.test(name);
}

/** Where a statement's first word stands, behind space, comments and parentheses. */
function beginning(statement: string): number {
	let at = 0;
	for (;;) {
		if (statement.startsWith('/*', at)) at = commentEnd(statement, at);
		else if (statement.startsWith('--', at)) at = statement.indexOf('\n', at) + 1 || statement.length;
		else if (/[\s(]/.test(statement.charAt(at))) at += 1;
		else return at;
	}
}
