import type {Socket} from 'node:net';

/** How many connections a listener may have open. */
export interface ConnectionLimits {
	/** Of clients that have not presented a key yet. */
	readonly unknown: number;
	/** Of one holder of a token. */
	readonly holder: number;
	/** Of all clients that have presented a key. */
	readonly known: number;
}

/** The holder of the anon key (holder.ts). */
const anyone = 'anon';

export const connectionLimits: ConnectionLimits = {unknown: 256, holder: 256, known: 4096};

/**
 * Divides the connections of one listener into shares. Clients that send nothing or have no key use up only their own share, and no
 * holder of a token uses up another's share. Clients without a key, or with the anon key, cannot be distinguished: when their share
 * is full, the oldest connection is closed to make room.
 */
export class Connections {
	readonly #limits: ConnectionLimits;
	/** Oldest first. */
	readonly #unknown = new Set<Socket>();
	readonly #known = new Map<Socket, string>();
	readonly #holders = new Map<string, number>();

	constructor(limits: ConnectionLimits) {
		this.#limits = limits;
	}

	/** Registers a new connection. */
	add(socket: Socket): void {
		this.#unknown.add(socket);
		socket.once('close', () => this.#forget(socket));
		if (this.#unknown.size <= this.#limits.unknown) return;
		const [oldest] = this.#unknown;
		oldest?.destroy();
		if (oldest !== undefined) this.#unknown.delete(oldest);
	}

	/** Counts the connection as one of `holder`'s, whose key it presented. False: `holder` has too many, and the caller must close it. */
	identify(socket: Socket, holder: string): boolean {
		if (this.#known.get(socket) === holder) return true;
		const held = this.#holders.get(holder) ?? 0;
		const isNew = !this.#known.has(socket);
		if (isNew && holder === anyone && held >= this.#limits.holder) this.#dropOldest(holder);
		else if (held >= this.#limits.holder || (isNew && this.#known.size >= this.#limits.known)) return false;
		this.#forget(socket);
		this.#known.set(socket, holder);
		this.#holders.set(holder, (this.#holders.get(holder) ?? 0) + 1);
		return true;
	}

	#dropOldest(holder: string): void {
		const [oldest] = [...this.#known].find(([, each]) => each === holder) ?? [];
		oldest?.destroy();
		if (oldest !== undefined) this.#forget(oldest);
	}

	#forget(socket: Socket): void {
		this.#unknown.delete(socket);
		const holder = this.#known.get(socket);
		if (holder === undefined) return;
		this.#known.delete(socket);
		const left = (this.#holders.get(holder) ?? 1) - 1;
		if (left === 0) this.#holders.delete(holder);
		else this.#holders.set(holder, left);
	}
}
