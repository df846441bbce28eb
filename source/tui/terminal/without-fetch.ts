/**
 * Imports while there is no fetch. Yoga, inside Ink, reads the WASM it carries as a data: URL with fetch where there is
 * one, which loads all of Node's HTTP client (25 ms); without, it decodes it by itself. Nothing else may run meanwhile that
 * needs it.
 */
export async function withoutFetch<T>(load: () => Promise<T>): Promise<T> {
	const fetch = Object.getOwnPropertyDescriptor(globalThis, 'fetch');
	Reflect.deleteProperty(globalThis, 'fetch');
	try {
		return await load();
	} finally {
		if (fetch !== undefined) Object.defineProperty(globalThis, 'fetch', fetch);
	}
}
