/** A difference that is accepted, and who is right by PostgREST's own specification. */
export interface Known {
	readonly engine: string;
	readonly area?: readonly string[];
	/** What the request line must match. */
	readonly line?: RegExp;
	readonly fields: readonly string[];
	readonly reason: string;
}

export const known: readonly Known[] = [];
