import {badQuery} from '../errors/error.ts';

/** Scans a text from left to right. Syntax errors become PGRST100 with the position. */
export class Scanner {
	readonly text: string;
	/** The kind of text, for messages: `filter`, `select parameter`. */
	readonly #what: string;
	/** The text for messages, if the request contained only a part of `text`. */
	readonly #shown: string;
	at = 0;

	constructor(text: string, what: string, shown = text) {
		this.text = text;
		this.#what = what;
		this.#shown = shown;
	}

	get done(): boolean {
		return this.at >= this.text.length;
	}

	get next(): string {
		return this.text.charAt(this.at);
	}

	sees(literal: string): boolean {
		return this.text.startsWith(literal, this.at);
	}

	/** Skips the literal if it is next; false if not. */
	eat(literal: string): boolean {
		if (!this.sees(literal)) return false;
		this.at += literal.length;
		return true;
	}

	/** Skips and returns what a sticky pattern matches next; null if it does not. */
	match(pattern: RegExp): string | null {
		pattern.lastIndex = this.at;
		const found = pattern.exec(this.text)?.[0];
		if (found === undefined) return null;
		this.at += found.length;
		return found;
	}

	expect(literal: string): void {
		if (!this.eat(literal)) this.fail(JSON.stringify(literal));
	}

	space(): void {
		this.match(/[ \t]*/y);
	}

	/** Skips the literal and any space around it. */
	lexeme(literal: string): void {
		this.space();
		this.expect(literal);
		this.space();
	}

	end(): void {
		if (!this.done) this.fail('end of input');
	}

	fail(expected: string, found?: string): never {
		const unexpected = this.done
			? 'end of input'
			: (found ?? JSON.stringify(String.fromCodePoint(this.text.codePointAt(this.at) ?? 0)));
		throw badQuery(
			`"failed to parse ${this.#what} (${this.#shown})" (line 1, column ${this.at + 1})`,
			`unexpected ${unexpected} expecting ${expected}`,
		);
	}
}
