import type {Position} from './position.ts';

/** About how many characters one response may have: the server keeps several times as many bytes in memory until it is sent. */
const maxCharacters = 4_000_000;
/** Rows of the first request, when their size is still unknown: 8 MB if all of them have the maximum size. */
const first = 32;

/** Decides how many rows one request asks for: as many as recently came in time, and fewer long ones. */
export class PageSize {
	#rows = first;

	/** Reads up to `limit` rows after a position, in as many requests as it takes. */
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
			const fitting = Math.floor((maxCharacters * rows.length) / Math.max(1, size));
			if (rows.length > 0) this.#rows = Math.max(1, Math.min(fitting, this.#rows * 4));
			return rows;
		} catch (error) {
			// Perhaps the response was too large to arrive in time.
			this.#rows = Math.ceil(this.#rows / 2);
			throw error;
		}
	}
}
