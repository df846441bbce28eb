import {closingQuote} from './closing-quote.ts';
import {DatabaseError, type Database, type Statement} from './database.ts';

/**
 * A database for statements from clients: one that nests too deeply is rejected with PostgreSQL's own error (DatabaseError 54001)
 * before it reaches the database.
 */
export function depthLimitedDatabase(database: Database): Database {
	return {
		run: async (scope, statements, signal) => {
			for (const statement of statements) checkStatement(statement);
			return database.run(scope, statements, signal);
		},
		script: async (scope, sql, signal) => {
			checkStatement({text: sql});
			return database.script(scope, sql, signal);
		},
		listen: (channel, listener) => database.listen(channel, listener),
		close: () => database.close(),
	};
}

function checkStatement({text, values = []}: Statement): void {
	const written = [text, ...values].filter(value => typeof value === 'string');
	if (written.some(isTooDeep)) throw tooDeep();
}

/** PostgreSQL's own message. */
export function tooDeep(): DatabaseError {
	return new DatabaseError('stack depth limit exceeded', '54001');
}

/**
 * The maximum depth of nesting that is passed on to PostgreSQL. Mostly PostgreSQL itself stops at a few thousand levels (54001), but
 * it reads `json` at any depth, and 500,000 levels overflow the stack that worker-database.ts gives PGlite (200,000 do not), which
 * leaves the database broken. The limit is high because ordinary text may contain a thousand unclosed brackets.
 */
const maxDepth = 100_000;

/** Whether brackets of any kind, outside double quotes, nest deeper than `maxDepth`. For JSON, array literals and queries. */
export function isTooDeep(text: string): boolean {
	// Runs for every value, and most are too short to be too deep.
	if (text.length <= maxDepth) return false;
	let depth = 0;
	let quoted = true;
	for (let at = 0; at < text.length; at += 1) {
		switch (text.charCodeAt(at)) {
			case 0x22: {
				// A quote that is never closed does not count; no later one can be closed either.
				const end = quoted ? closingQuote(text, at) : -1;
				if (end === -1) quoted = false;
				else at = end;
				break;
			}
			case 0x28: // (
			case 0x5b: // [
			case 0x7b: // {
				depth += 1;
				if (depth > maxDepth) return true;
				break;
			case 0x29: // )
			case 0x5d: // ]
			case 0x7d: // }
				depth -= 1;
				break;
			default:
		}
	}
	return false;
}
