import type {Json} from './json.ts';

/** A row that SQL returned; its columns in their order. */
export interface SqlRow {
	readonly [column: string]: Json;
}

/** How SQL is run. */
export interface SqlOptions {
	/** The database refuses every write. */
	readonly readOnly?: boolean;
	/** For $1, $2, ... as text; of a single statement. */
	readonly parameters?: ReadonlyArray<string | null>;
}
