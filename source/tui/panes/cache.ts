/**
 * A cache by owner (weighed by `weigh`, `max` per generation) and by whatever else a value depends on. There are two
 * generations: when the current one is full it becomes the former one, and a former entry moves to the current one when it is
 * used. So whatever is on the screen is made once, however much that is, and other entries are dropped even while their owners
 * live.
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

	/** Returns the value. */
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
