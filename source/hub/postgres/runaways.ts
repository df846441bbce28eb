import type {RunawayStatement} from '../database/opened-database.ts';
import {seconds} from '../database/pauses.ts';
import {sharedCallerOf} from '../database/shared-caller.ts';
import type {Scope} from '../database/database.ts';
import type {SideConnection} from './side-connection.ts';
import {readSql} from '../files/read-sql.ts';

/** Milliseconds between two looks at those that are known. */
const between = 5000;

/** Milliseconds: far more than an agent's SQL has, and than a statement takes to end that is cancelled. */
const runawayAfter = 10_500;
/** Milliseconds that the clocks of the hub and the server may differ by. */
const tolerance = 500;

/**
 * Put before the SQL of an agent, for whoever looks at the server's sessions: the text of a statement is the one thing there
 * that the statement cannot change. Empty for everything else.
 */
export function mark(scope: Scope): string {
	const {name} = sharedCallerOf(scope);
	return scope.sql === true && /^[A-Za-z][A-Za-z0-9_-]{0,31}$/.test(name) ? `/* agentmux: SQL of ${name} */ ` : '';
}

/** Whose SQL a statement is, by its mark; null for any other. */
export function markedTag(query: string | null): string | null {
	return /^\/\* agentmux: SQL of ([A-Za-z][A-Za-z0-9_-]{0,31}) \*\//.exec(query ?? '')?.[1] ?? null;
}

// Statements that have run for at least `$1` milliseconds: those of every hub of this database, and of hubs that have ended.
const computing = readSql(new URL('runaways.sql', import.meta.url));

/**
 * The SQL of agents that computes on in the server although it was cancelled: some functions of long texts never look. Nothing
 * that the hub could do ends it, so that it says whose it is, and since when.
 */
export class Runaways {
	readonly #side: SideConnection;
	readonly #log: (sentence: string) => void;
	#known = new Map<number, RunawayStatement>();
	#timer: NodeJS.Timeout | undefined;
	#isClosed = false;

	constructor(side: SideConnection, log: (sentence: string) => void) {
		this.#side = side;
		this.#log = log;
	}

	list(): readonly RunawayStatement[] {
		return [...this.#known.values()];
	}

	/** A call was given up, which the server still works on. `begun` by performance.now(). */
	add(process: number, scope: Scope, begun: number): void {
		const since = new Date(Date.now() - (performance.now() - begun)).toISOString();
		this.#note({who: sharedCallerOf(scope).name, process, since});
		this.#schedule();
	}

	/** Looks for those that are known, and for others: of other hubs, and of this one before it was started. */
	async look(): Promise<void> {
		const rows = await this.#side.ask<{process: number; query: string; running: number}>(computing, [runawayAfter]);
		if (rows !== null) {
			const now = Date.now();
			const found = new Map(rows.map(row => [row.process, row]));
			for (const [process, {who, since}] of this.#known) {
				if (found.has(process) || now - Date.parse(since) < runawayAfter + tolerance) continue;
				this.#known.delete(process);
				this.#log(`The SQL of ${who} that could not be cancelled has ended (process ${process} of the server).`);
			}
			for (const {process, query, running} of found.values()) {
				const who = markedTag(query);
				if (who !== null && !this.#known.has(process)) {
					this.#note({who, process, since: new Date(now - running).toISOString()});
				}
			}
		}
		this.#schedule();
	}

	close(): void {
		this.#isClosed = true;
		clearTimeout(this.#timer);
	}

	#note(runaway: RunawayStatement): void {
		const {who, process, since} = runaway;
		this.#known.set(process, runaway);
		const time = seconds(Date.now() - Date.parse(since));
		this.#log(
			`SQL of ${who} has run for ${time}, does not end when it is cancelled, and computes on (process ${process} of the server). ${who} runs no other SQL meanwhile. It ends by itself, or when the server is restarted at once (pg_ctl restart -m immediate).`,
		);
	}

	#schedule(): void {
		if (this.#timer !== undefined || this.#isClosed || this.#known.size === 0) return;
		this.#timer = setTimeout(() => {
			this.#timer = undefined;
			void this.look();
		}, between);
		this.#timer.unref();
	}
}
