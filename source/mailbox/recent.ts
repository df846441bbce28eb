/** A map with a maximum size: when it is full, the oldest entry is dropped. */
export class RecentMap<Key, Value> extends Map<Key, Value> {
	readonly #max: number;

	constructor(max: number) {
		super();
		this.#max = max;
	}

	override set(key: Key, value: Value): this {
		this.delete(key);
		super.set(key, value);
		const [oldest] = this.keys();
		if (this.size > this.#max && oldest !== undefined) this.delete(oldest);
		return this;
	}
}
