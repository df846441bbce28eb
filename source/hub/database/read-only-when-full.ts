import {DatabaseError, type Database, type Scope} from './database.ts';

/**
 * A database that is read-only while the disk is full: writes fail with DatabaseError 53100 and `sentence` before PostgreSQL runs out
 * of space.
 */
export function readOnlyWhenFull(database: Database, isFull: () => boolean, sentence: string): Database {
	async function attempt<T>(scope: Scope, work: (scope: Scope) => Promise<T>): Promise<T> {
		if (!isFull() || scope.readOnly === true) return work(scope);
		try {
			return await work({...scope, readOnly: true});
		} catch (error) {
			if (!(error instanceof DatabaseError) || error.code !== readOnlyTransaction) throw error;
			throw new DatabaseError(sentence, diskFull, null, 'Free some space on it.');
		}
	}
	return {
		run: (scope, statements, signal) => attempt(scope, each => database.run(each, statements, signal)),
		script: (scope, sql, signal) => attempt(scope, each => database.script(each, sql, signal)),
		listen: (channel, listener) => database.listen(channel, listener),
		close: () => database.close(),
	};
}

/** SQLSTATEs. */
const readOnlyTransaction = '25006';
const diskFull = '53100';
