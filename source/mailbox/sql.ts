import type {Json} from './json.ts';

/** A row that SQL returned, with its columns in order. */
export interface SqlRow {
	readonly [column: string]: Json;
}

/** How SQL is run. */
export interface SqlOptions {
	/** Make the database refuse every write. */
	readonly readOnly?: boolean;
	/** The values of $1, $2, ... as text; only for a single statement. */
	readonly parameters?: ReadonlyArray<string | null>;
}
