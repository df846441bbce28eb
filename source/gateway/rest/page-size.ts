import type {Position} from './position.ts';

/** Characters of text that one answer may have, about: a server holds several times as many bytes until it has sent it. */
const enough = 4_000_000;
/** Rows of the first request, whose size nobody knows yet: of the largest messages that is 8 MB. */
const first = 32;

/** How many rows are asked for at once: as many as came in time, and of long ones fewer. */
export class PageSize {
	#rows = first;

	/** Reads rows after a position until there are `limit`, or no more; in as many requests as it takes. */
	async read<Row extends {readonly message: Position & {readonly content: string}}>(
		after: Position,
		limit: number,
		request: (after: Position, limit: number) => Promise<readonly Row[]>,
	): Promise<Row[]> {
		const found: Row[] = [];
		for (let from = after; ;) {
			const asked = Math.min(this.#rows, limit - found.length);
			const rows = await this.#measured(() => request(from, asked));
			found.push(...rows);
			const end = rows.at(-1)?.message;
			if (end === undefined || rows.length < asked || found.length === limit) return found;
			from = end;
		}
	}

	async #measured<Row extends {readonly message: {readonly content: string}}>(
		request: () => Promise<readonly Row[]>,
	): Promise<readonly Row[]> {
		try {
			const rows = await request();
			const size = rows.reduce((sum, {message}) => sum + message.content.length, 0);
			const fitting = Math.floor((enough * rows.length) / Math.max(1, size));
			if (rows.length > 0) this.#rows = Math.max(1, Math.min(fitting, this.#rows * 4));
			return rows;
		} catch (error) {
			// It may have been too much to be answered in time.
			this.#rows = Math.ceil(this.#rows / 2);
			throw error;
		}
	}
}
