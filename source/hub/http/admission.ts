import type {Duplex} from 'node:stream';

/** The live connections. Shut while the hub cannot hear changes, so that no client mistakes silence for no news. */
export class Admission {
	readonly #sockets = new Set<Duplex>();
	#isOpen = true;

	/** Whether the handshake on this socket may go on; it is answered with 503 otherwise. */
	admit(socket: Duplex): boolean {
		if (!this.#isOpen) {
			// Nothing reads from the socket now, so a close by the client would go unnoticed.
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

	/** Closes all live connections; clients connect again. */
	dismiss(): void {
		for (const socket of this.#sockets) socket.destroy();
	}
}
