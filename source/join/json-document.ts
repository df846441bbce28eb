/** A value of a JSON text and where it stands: `[start, end)` in UTF-16 units. */
export interface JsonNode {
	readonly start: number;
	readonly end: number;
	/** Of an object, in the order of the text; null for everything else. */
	readonly members: readonly JsonMember[] | null;
	/** Of an array; null for everything else. */
	readonly items: readonly JsonNode[] | null;
}

export interface JsonMember {
	readonly key: string;
	/** Where its key begins. */
	readonly start: number;
	readonly value: JsonNode;
}

/** Not JSON (RFC 8259). `line` counts from 1; `message` is what was expected, without a full stop. */
export class JsonFault extends Error {
	override readonly name = 'JsonFault';
	readonly line: number;

	constructor(message: string, line: number) {
		super(message);
		this.line = line;
	}
}

/**
 * Reads where everything stands, so that one entry can be changed and every other byte stays. With `comments`, those of
 * JavaScript may stand wherever white space may. Throws JsonFault.
 */
export function locate(text: string, {comments = false}: {readonly comments?: boolean} = {}): JsonNode {
	const reader = new Reader(text, comments);
	const node = reader.value(0);
	reader.space();
	if (reader.at < text.length) throw reader.fault('something follows the end of the document');
	return node;
}

const deepest = 200;
const white = /[ \t\r\n]*/y;
const whiteOrComment = /(?:[ \t\r\n]|\/\/[^\r\n]*|\/\*[^]*?\*\/)*/y;
const string = /"(?:[^"\\\u0000-\u001F]|\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4}))*"/y;
const scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

class Reader {
	at = 0;
	readonly #text: string;
	readonly #space: RegExp;

	constructor(text: string, comments: boolean) {
		this.#text = text;
		this.#space = comments ? whiteOrComment : white;
		// A byte order mark is no JSON, but editors write it.
		if (text.startsWith('\uFEFF')) this.at = 1;
	}

	value(depth: number): JsonNode {
		this.space();
		const start = this.at;
		if (depth > deepest) throw this.fault('it is nested too deeply');
		if (this.#take('{')) {
			const members = this.#list('}', () => this.#member(depth));
			return {start, end: this.at, members, items: null};
		}
		if (this.#take('[')) {
			const items = this.#list(']', () => this.value(depth + 1));
			return {start, end: this.at, members: null, items};
		}
		if (this.#match(string) === null && this.#match(scalar) === null) {
			throw this.fault('a value is expected');
		}
		return {start, end: this.at, members: null, items: null};
	}

	space(): void {
		this.#match(this.#space);
	}

	fault(message: string): JsonFault {
		return new JsonFault(message, this.#text.slice(0, this.at).split('\n').length);
	}

	#member(depth: number): JsonMember {
		this.space();
		const start = this.at;
		const key = this.#match(string);
		if (key === null) throw this.fault('a name in double quotes is expected');
		this.space();
		if (!this.#take(':')) throw this.fault('a colon is expected');
		return {key: JSON.parse(key) as string, start, value: this.value(depth + 1)};
	}

	#list<T>(close: string, read: () => T): T[] {
		const items: T[] = [];
		this.space();
		if (this.#take(close)) return items;
		for (;;) {
			items.push(read());
			this.space();
			if (this.#take(close)) return items;
			if (!this.#take(',')) throw this.fault(`a comma or \`${close}\` is expected`);
		}
	}

	#take(character: string): boolean {
		if (this.#text[this.at] !== character) return false;
		this.at++;
		return true;
	}

	#match(pattern: RegExp): string | null {
		pattern.lastIndex = this.at;
		const found = pattern.exec(this.#text)?.[0] ?? null;
		this.at += found?.length ?? 0;
		return found;
	}
}
