import type {Duplex} from 'node:stream';

/** Who is live: shut while changes cannot be heard, so that nobody takes silence for nothing new. */
export class Door {
	readonly #sockets = new Set<Duplex>();
	#isOpen = true;

	/** Whether the handshake on this socket may go on; it is answered with 503 otherwise. */
	admit(socket: Duplex): boolean {
		if (!this.#isOpen) {
			// Nobody reads from it any more, so that it would not be noticed that the client closes it.
			socket.once('finish', () => socket.destroy());
			socket.end(
				'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nretry-after: 1\r\nconnection: close\r\n\r\n',
			);
			return false;
		}
		this.#sockets.add(socket);
		socket.once('close', () => this.#sockets.delete(socket));
		return true;
	}

	open(): void {
		this.#isOpen = true;
	}

	shut(): void {
		this.#isOpen = false;
		this.dismiss();
	}

	/** Whoever is live has to come again. */
	dismiss(): void {
		for (const socket of this.#sockets) socket.destroy();
	}
}
