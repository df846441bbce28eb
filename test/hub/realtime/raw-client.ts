import {WebSocket} from 'ws';
import {until, type Rig} from './rig.ts';

/** A frame of serializer 2.0.0. */
export type RawFrame = [
	joinRef: unknown,
	ref: unknown,
	topic: string,
	event: string,
	payload: {[key: string]: unknown},
];

export interface Data {
	readonly type: string;
	readonly table: string;
	readonly record?: {readonly [column: string]: unknown};
	readonly old_record?: {readonly [column: string]: unknown};
	readonly errors: readonly string[] | null;
}

/** A bare WebSocket that speaks serializer 2.0.0. */
export class RawClient {
	readonly socket: WebSocket;
	readonly frames: RawFrame[] = [];
	closed: number | null = null;

	private constructor(url: string) {
		this.socket = new WebSocket(url, {maxPayload: 0});
		this.socket.on('error', () => undefined);
		this.socket.on('close', code => (this.closed = code));
		this.socket.on('message', (data: Buffer, binary) => {
			if (!binary) this.frames.push(JSON.parse(data.toString('utf8')) as RawFrame);
		});
	}

	static async open(rig: Rig, token: string): Promise<RawClient> {
		const client = new RawClient(`${rig.url.replace('http', 'ws')}/realtime/v1/websocket?vsn=2.0.0&apikey=${token}`);
		await until(() => client.socket.readyState === WebSocket.OPEN);
		return client;
	}

	send(...frame: RawFrame): void {
		this.socket.send(JSON.stringify(frame));
	}

	/** Joins and waits until changes come, if any were asked for. */
	async join(topic: string, bindings: readonly object[] = [], config: object = {}): Promise<void> {
		const ref = `${topic}-${this.frames.length}`;
		const presence = {enabled: false};
		this.send(ref, ref, `realtime:${topic}`, 'phx_join', {config: {presence, postgres_changes: bindings, ...config}});
		const event = bindings.length > 0 ? 'system' : 'phx_reply';
		await until(() => this.frames.some(frame => frame[0] === ref && frame[3] === event));
	}

	/** Resolves when everything sent before has been answered. */
	async heartbeat(): Promise<void> {
		const ref = `heartbeat-${this.frames.length}`;
		this.send(null, ref, 'phoenix', 'heartbeat', {});
		await until(
			() => this.frames.some(frame => frame[1] === ref),
			() => `no heartbeat, closed ${this.closed}`,
		);
	}

	get changes(): Data[] {
		return this.frames.filter(frame => frame[3] === 'postgres_changes').map(frame => frame[4]['data'] as Data);
	}
}
