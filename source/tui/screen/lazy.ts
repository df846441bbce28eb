const listeners = new Set<() => void>();
let arrived = 0;
let missing = false;

/**
 * A part of the program that the first frame does not pay for: null until it is loaded, which begins when it is first
 * asked for. Whoever drew without it hears of its arrival. It stays null when it cannot be loaded: another version has taken
 * the program's place on the disk while this one runs.
 */
export function lazy<Part>(load: () => Promise<Part>): () => Part | null {
	let part: Part | null = null;
	let loading: Promise<void> | null = null;
	const arrive = async () => {
		try {
			part = await load();
			arrived++;
		} catch {
			missing = true;
		}
		for (const listener of listeners) listener();
	};
	return () => {
		loading ??= arrive();
		return part;
	};
}

/** How many parts have arrived: what was drawn when there were fewer may look different now. */
export function arrivals(): number {
	return arrived;
}

/** What the human is told then. */
export const replacedNotice = 'Another version of agentmux was installed: start this screen again.';

/** Whether some part could not be loaded. */
export function isPartMissing(): boolean {
	return missing;
}

/** Calls `listener` whenever a part has arrived, or turned out to be missing, until the returned function is called. */
export function onArrival(listener: () => void): () => void {
	listeners.add(listener);
	return () => {
		listeners.delete(listener);
	};
}
