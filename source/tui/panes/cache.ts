/**
 * What was made for the screen and asked for lately, by key; the rest is forgotten. There are two generations: once `max` (as
 * `weigh` counts) was made in one, it becomes the former one, and what is asked for again moves on from there for nothing. So
 * what stands on the screen is made once, however much that is, and what has left it does not stay for as long as its message.
 */
export class Cache<Value> {
	readonly #max: number;
	readonly #weigh: (value: Value) => number;
	#current = new Map<string, Value>();
	#former = new Map<string, Value>();
	#made = 0;

	constructor(max: number, weigh: (value: Value) => number = () => 1) {
		this.#max = max;
		this.#weigh = weigh;
	}

	get(key: string): Value | undefined {
		const known = this.#current.get(key);
		if (known !== undefined) return known;
		const former = this.#former.get(key);
		if (former !== undefined) this.#current.set(key, former);
		return former;
	}

	/** The value itself. */
	set(key: string, value: Value): Value {
		if (this.#made >= this.#max) {
			this.#former = this.#current;
			this.#current = new Map();
			this.#made = 0;
		}
		this.#current.set(key, value);
		this.#made += this.#weigh(value);
		return value;
	}

	clear(): void {
		this.#current.clear();
		this.#former.clear();
		this.#made = 0;
	}
}

const numbers = new WeakMap<object, number>();
let lastNumber = 0;

/** For keys: the same object has the same number, and no other has it. */
export function numberOf(owner: object): number {
	let number = numbers.get(owner);
	if (number === undefined) numbers.set(owner, (number = ++lastNumber));
	return number;
}
