/**
 * Imports with the global fetch removed. If there is a fetch, Yoga, which is inside Ink, uses it to read its WASM from a data:
 * URL, which loads all of Node's HTTP client (25 ms); without it, Yoga decodes the WASM itself. Nothing that needs fetch may
 * run meanwhile.
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
