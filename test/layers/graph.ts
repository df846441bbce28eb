export type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/** The strongly connected components of a graph, those that others point to first (Tarjan 1972). */
export function components(graph: Graph): readonly (readonly string[])[] {
	const found: string[][] = [];
	const seen = new Map<string, number>();
	const done = new Set<string>();
	const stack: string[] = [];
	/** The earliest node on the stack that can be reached from this one. */
	const visit = (node: string): number => {
		const index = seen.size;
		let low = index;
		seen.set(node, index);
		stack.push(node);
		for (const next of graph.get(node) ?? []) {
			if (!done.has(next)) low = Math.min(low, seen.get(next) ?? visit(next));
		}
		if (low === index) {
			const component = stack.splice(stack.indexOf(node));
			for (const each of component) done.add(each);
			found.push(component.toSorted());
		}
		return low;
	};
	for (const node of graph.keys()) if (!seen.has(node)) visit(node);
	return found;
}

/** The components by their longest way down, the lowest first: each layer points only to those before it. */
export function levels(graph: Graph): readonly (readonly (readonly string[])[])[] {
	const level = new Map<string, number>();
	const found: Array<Array<readonly string[]>> = [];
	for (const component of components(graph)) {
		const below = component.flatMap(node => [...(graph.get(node) ?? [])].filter(next => !component.includes(next)));
		const own = Math.max(-1, ...below.map(node => level.get(node) ?? -1)) + 1;
		for (const node of component) level.set(node, own);
		(found[own] ??= []).push(component);
	}
	return found;
}

/** An order of the nodes, top first, in which few edges run back up (the greedy one of Eades, Lin and Smyth 1993). */
export function orderOf(nodes: readonly string[], edges: ReadonlyArray<{from: string; to: string}>): readonly string[] {
	const top: string[] = [];
	const bottom: string[] = [];
	let left = nodes;
	while (left.length > 0) {
		const inner = edges.filter(({from, to}) => from !== to && left.includes(from) && left.includes(to));
		const out = (node: string): number => inner.filter(({from}) => from === node).length;
		const into = (node: string): number => inner.filter(({to}) => to === node).length;
		const sink = left.find(node => out(node) === 0);
		const next = sink ?? left.reduce((best, node) => (out(node) - into(node) > out(best) - into(best) ? node : best));
		if (sink === undefined) top.push(next);
		else bottom.unshift(next);
		left = left.filter(node => node !== next);
	}
	return [...top, ...bottom];
}
