import type {Duplex} from 'node:stream';

/**
 * The open Realtime connections. Admission is shut while the hub cannot receive changes from the database; otherwise clients would
 * take the silence for an absence of changes.
 */
export class Admission {
	readonly #sockets = new Set<Duplex>();
	#isOpen = true;

	/** Whether the handshake on this socket may proceed; if not, answers it with 503. */
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

	/** Closes all connections; clients reconnect. */
	dismiss(): void {
		for (const socket of this.#sockets) socket.destroy();
	}
}
