const listeners = new Set<() => void>();
let loaded = 0;
let missing = false;

/**
 * A part of the program that is not loaded before the first frame: null until it is loaded, which begins at the first call.
 * Listeners of `onArrival` are called when it is there. It stays null if it cannot be loaded, because another version has
 * replaced the program on disk.
 */
export function lazy<Part>(load: () => Promise<Part>): () => Part | null {
	let part: Part | null = null;
	let loading: Promise<void> | null = null;
	const arrive = async () => {
		try {
			part = await load();
			loaded++;
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

/** How many parts have been loaded; what was drawn with fewer may look different now. */
export function loadedCount(): number {
	return loaded;
}

/** What to show the human if a part is missing. */
export const replacedNotice = 'Another version of agentmux was installed: start this screen again.';

/** Whether some part could not be loaded. */
export function hasLoadFailure(): boolean {
	return missing;
}

/** Calls `listener` whenever a part was loaded or turned out to be missing, until the returned function is called. */
export function onArrival(listener: () => void): () => void {
	listeners.add(listener);
	return () => {
		listeners.delete(listener);
	};
}
