/** To the process with the subscribers. */
export type ToSubscribers =
	/** Opens one WebSocket for each, and sends it its first frame, if there is one. */
	| {readonly open: readonly {readonly url: string; readonly first: string | null}[]}
	/** Forgets what has come, and reports when each has `count` changes. */
	| {readonly expect: number}
	| {readonly close: true};

/** What it answers. Times are those of the machine's monotonic clock, in nanoseconds. */
export type FromSubscribers =
	| {readonly opened: true}
	| {readonly ready: true}
	| {readonly first: string; readonly last: string; readonly frames: readonly string[]}
	| {readonly closed: true};

/** To the bare server, which answers with its port and with the time at which it began to send. */
export type ToBare = {readonly send: readonly string[]};
export type FromBare = {readonly port: number} | {readonly begun: string};
