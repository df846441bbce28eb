/**
 * Caches a pure function's results for up to `max` arguments, then starts over. Arguments are compared like keys of a Map.
 */
export function memo<Argument, Result>(
	max: number,
	of: (argument: Argument) => Result,
): (argument: Argument) => Result {
	const known = new Map<Argument, Result>();
	return argument => {
		let result = known.get(argument);
		if (result === undefined) {
			if (known.size >= max) known.clear();
			known.set(argument, (result = of(argument)));
		}
		return result;
	};
}

/** A value that is made at the first call, and returned by each further one. */
export function once<Made>(make: () => Made): () => Made {
	let made: {readonly it: Made} | undefined;
	return () => (made ??= {it: make()}).it;
}
