import type {Targets} from './target.ts';

/** One kind of attack on the built program, in as many variants as it has. */
export interface Attack {
	/** A name without blanks, by which `npm run security -- NAME` chooses it and SECURITY.md links it. */
	readonly name: string;
	/** What is attacked, in one line. */
	readonly what: string;
	run(attempt: Attempt): Promise<void>;
}

/** What an attack is given: what it may attack, and where it says what came of each try. */
export interface Attempt {
	readonly targets: Targets;
	readonly tally: Tally;
	/** Whether there is time for every variant; the short form takes a part of them. */
	readonly long: boolean;
}

/** What came of the tries of one attack. */
export class Tally {
	refused = 0;
	neutralised = 0;
	/** The tries that succeeded, each with what was seen. */
	readonly breaches: string[] = [];
	/** Parts that could not be tried here, and why; they count as nothing. */
	readonly skipped: string[] = [];

	get tries(): number {
		return this.refused + this.neutralised + this.breaches.length;
	}

	/** It was answered with a refusal. */
	refuse(): void {
		this.refused += 1;
	}

	/** It was taken, and does no harm: hostile text is shown as text, a bomb costs only its sender. */
	neutralise(): void {
		this.neutralised += 1;
	}

	breach(what: string): void {
		this.breaches.push(what);
	}

	skip(why: string): void {
		this.skipped.push(why);
	}

	/** Counts one try: refused when `held`, a breach with what was seen when not. */
	expectRefused(held: boolean, what: string, seen: unknown = ''): void {
		if (held) this.refuse();
		else this.breach(said(what, seen));
	}

	expectHarmless(held: boolean, what: string, seen: unknown = ''): void {
		if (held) this.neutralise();
		else this.breach(said(what, seen));
	}
}

function said(what: string, seen: unknown): string {
	if (seen === '') return what;
	const text = typeof seen === 'string' ? seen : JSON.stringify(seen);
	return `${what}: ${text.slice(0, 300)}`;
}
