/**
 * A pure function that remembers what it returned for up to `max` arguments, and then begins again: nobody can tell but by
 * the time it takes. Arguments are compared as keys of a map are.
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

/** What is made when it is first asked for, and is the same from then on. */
export function once<Made>(make: () => Made): () => Made {
	let made: {readonly it: Made} | undefined;
	return () => (made ??= {it: make()}).it;
}
