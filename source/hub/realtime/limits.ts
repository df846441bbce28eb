/** Limits for one client. The defaults are Supabase Realtime's where it has them. */
export interface Limits {
	/** Bytes of one frame; a larger one disconnects the client. */
	readonly frame: number;
	/** Bytes of one broadcast's payload. */
	readonly payload: number;
	/** Bytes that may wait for a client that does not read; then it is disconnected, and catches up when it reconnects. */
	readonly buffered: number;
	/** Milliseconds without any data from the client. */
	readonly silence: number;
	readonly channels: number;
	/** Channels of one holder of a token, on all its sockets; and of all clients that have only the anon key. */
	readonly holderChannels: number;
	readonly anonChannels: number;
	/** Their bindings of postgres_changes. */
	readonly holderBindings: number;
	readonly anonBindings: number;
	/** Bytes of a frame other than a broadcast; a channel stores some of their contents. */
	readonly control: number;
	/** Bytes of a topic's name. */
	readonly topic: number;
	/** Bindings of postgres_changes in one join. */
	readonly bindings: number;
	/** Presence messages per channel in `presenceWindow` milliseconds. */
	readonly presence: number;
	readonly presenceWindow: number;
	/** Changes that may wait for delivery; when there are more, all subscribers must join again. */
	readonly changes: number;
}

export const defaultLimits: Limits = {
	frame: 5_000_000,
	payload: 3_000_000,
	buffered: 16_777_216,
	silence: 66_000,
	channels: 100,
	holderChannels: 500,
	anonChannels: 200,
	holderBindings: 2000,
	anonBindings: 400,
	control: 65_536,
	topic: 1024,
	bindings: 100,
	presence: 5,
	presenceWindow: 30_000,
	changes: 100_000,
};
