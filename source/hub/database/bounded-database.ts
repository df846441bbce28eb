import {closingQuote} from './closing-quote.ts';
import {DatabaseError, type Database, type Statement} from './database.ts';

/**
 * A database for what strangers write: a statement that nests too deep fails as PostgreSQL lets it fail, before the
 * database has seen it. Rejects with DatabaseError 54001.
 */
export function boundedDatabase(database: Database): Database {
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

/** In PostgreSQL's words. */
export function tooDeep(): DatabaseError {
	return new DatabaseError('stack depth limit exceeded', '54001');
}

/**
 * How deep a value may nest before PostgreSQL is not even asked. It gives up by itself at some thousands of levels (54001), but
 * not everywhere: `json` is read at any depth, and 500,000 levels overflow the stack that worker-database.ts gives PGlite
 * (200,000 do not), which leaves the database broken. A text may well have a thousand brackets that nobody closes.
 */
const deepest = 100_000;

/** Whether brackets of any kind, outside of double quotes, nest deeper than `deepest`. Reads JSON, array and query texts alike. */
export function isTooDeep(text: string): boolean {
	// Most texts are too short to be too deep, and this is asked of every value.
	if (text.length <= deepest) return false;
	let depth = 0;
	let quoted = true;
	for (let at = 0; at < text.length; at += 1) {
		switch (text.charCodeAt(at)) {
			case 0x22: {
				// A quote that is never closed is none, and then no later one is closed either.
				const end = quoted ? closingQuote(text, at) : -1;
				if (end === -1) quoted = false;
				else at = end;
				break;
			}
			case 0x28: // (
			case 0x5b: // [
			case 0x7b: // {
				depth += 1;
				if (depth > deepest) return true;
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
