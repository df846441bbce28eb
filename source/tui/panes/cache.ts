/**
 * What was made for the screen and asked for lately, by the object it was made of and by what else it depends on; the rest is
 * forgotten. There are two generations: once `max` (as `weigh` counts) was made in one, it becomes the former one, and what is
 * asked for again moves on from there. So what stands on the screen is made once, however much that is, and what has left it
 * does not stay for as long as its message.
 */
export class Cache<Value> {
	readonly #max: number;
	readonly #weigh: (value: Value) => number;
	#current = new Map<object, Map<string, Value>>();
	#former = new Map<object, Map<string, Value>>();
	#made = 0;

	constructor(max: number, weigh: (value: Value) => number = () => 1) {
		this.#max = max;
		this.#weigh = weigh;
	}

	get(owner: object, key: string): Value | undefined {
		const known = this.#current.get(owner)?.get(key);
		if (known !== undefined) return known;
		const former = this.#former.get(owner)?.get(key);
		if (former !== undefined) this.#put(owner, key, former);
		return former;
	}

	/** The value itself. */
	set(owner: object, key: string, value: Value): Value {
		if (this.#made >= this.#max) {
			this.#former = this.#current;
			this.#current = new Map();
			this.#made = 0;
		}
		this.#put(owner, key, value);
		this.#made += this.#weigh(value);
		return value;
	}

	clear(): void {
		this.#current.clear();
		this.#former.clear();
		this.#made = 0;
	}

	#put(owner: object, key: string, value: Value): void {
		const values = this.#current.get(owner);
		if (values === undefined) this.#current.set(owner, new Map([[key, value]]));
		else values.set(key, value);
	}
}
