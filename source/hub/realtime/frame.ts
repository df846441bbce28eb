import {elements, members, type JsonText} from './json-text.ts';

/** The serializer of a socket (`vsn`): 1.0.0 uses objects, 2.0.0 arrays and binary broadcasts. */
export type Version = '1.0.0' | '2.0.0';

/** A message from a client. */
export interface Push {
	/** `ref` and `join_ref` are chosen by the client; they are only compared and sent back. */
	readonly joinRef: unknown;
	readonly ref: unknown;
	readonly topic: string;
	readonly event: string;
	readonly payload: unknown;
	/** The text of the payload, as in the frame. */
	readonly text: () => JsonText;
	/** The payload of a binary frame. */
	readonly binary?: BinaryPayload;
}

export interface BinaryPayload {
	/** The broadcast's event (kind 3); null for plain bytes with the frame's own event (kind 0). */
	readonly event: string | null;
	readonly json: boolean;
	readonly bytes: Buffer;
}

/** A frame as it is sent. */
export interface Wire {
	readonly data: Buffer;
	readonly binary: boolean;
}

/** The push in a frame; null if the frame is invalid, for which Supabase Realtime closes the socket with 1011. */
export function decode(version: Version, data: Buffer, binary: boolean): Push | null {
	if (binary) return version === '2.0.0' ? decodeBinary(data) : null;
	const text = data.toString('utf8');
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		return null;
	}
	if (typeof value !== 'object' || value === null) return null;
	return version === '2.0.0' ? decodeArray(value, text) : decodeObject(value, text);
}

function decodeArray(value: object, frame: string): Push | null {
	if (!Array.isArray(value) || value.length < 5) return null;
	const [joinRef, ref, topic, event, payload] = value as unknown[];
	if (typeof topic !== 'string' || typeof event !== 'string' || !areWritable(joinRef, ref)) return null;
	return {joinRef, ref, topic, event, payload, text: () => elements(frame)[4] ?? 'null'};
}

function decodeObject(value: object, frame: string): Push | null {
	if (Array.isArray(value) || !('ref' in value) || !('payload' in value)) return null;
	const {join_ref: joinRef = null, ref, topic, event, payload} = value as {[key: string]: unknown};
	if (typeof topic !== 'string' || typeof event !== 'string' || !areWritable(joinRef, ref)) return null;
	return {joinRef, ref, topic, event, payload, text: () => members(frame).get('payload') ?? 'null'};
}

/** Refs are sent back unchanged. JSON.parse accepts values that nest too deeply for JSON.stringify; such refs are rejected. */
function areWritable(...refs: readonly unknown[]): boolean {
	try {
		for (const ref of refs) if (typeof ref === 'object') JSON.stringify(ref);
		return true;
	} catch {
		return false;
	}
}

/**
 * Kind 0, any push with bytes: kind, four lengths (join_ref, ref, topic, event), the strings, the bytes. Kind 3, a
 * broadcast: kind, five lengths (..., metadata), encoding (1 is JSON), the strings, the payload.
 */
function decodeBinary(data: Buffer): Push | null {
	const kind = data[0];
	if (kind !== 0 && kind !== 3) return null;
	const lengths = kind === 3 ? 5 : 4;
	const header = kind === 3 ? 7 : 5;
	if (data.length < header) return null;
	const strings: string[] = [];
	let at = header;
	for (let nth = 1; nth <= lengths; nth++) {
		const length = data[nth] ?? 0;
		if (at + length > data.length) return null;
		strings.push(data.toString('utf8', at, at + length));
		at += length;
	}
	const [joinRef = '', ref = '', topic = '', event = ''] = strings;
	const bytes = data.subarray(at);
	const name = kind === 3 ? 'broadcast' : event;
	const json = kind === 3 && data[6] === 1;
	const payload: BinaryPayload = {event: kind === 3 ? event : null, json, bytes};
	return {joinRef, ref, topic, event: name, payload: bytes, text: () => 'null', binary: payload};
}

export interface Frame {
	readonly joinRef: unknown;
	readonly ref: unknown;
	readonly topic: string;
	readonly event: string;
	readonly payload: JsonText;
}

export function encode(version: Version, frame: Frame): Wire {
	return {data: Buffer.from(encodeText(version, frame)), binary: false};
}

export function encodeText(version: Version, {joinRef, ref, topic, event, payload}: Frame): string {
	return version === '2.0.0'
		? `[${JSON.stringify(joinRef)},${JSON.stringify(ref)},${JSON.stringify(topic)},${JSON.stringify(event)},${payload}]`
		: `{"event":${JSON.stringify(event)},"payload":${payload},"ref":${JSON.stringify(ref)},"topic":${JSON.stringify(topic)}}`;
}

/** Text frames with their headers (RFC 6455, 5.2), as a server writes them to any number of sockets: it masks nothing. */
export function withHeaders(texts: readonly string[]): Buffer {
	const lengths = texts.map(text => Buffer.byteLength(text));
	const bytes = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + headerSize(length) + length, 0));
	let at = 0;
	for (const [nth, text] of texts.entries()) {
		const length = lengths[nth] ?? 0;
		bytes[at] = 0x81;
		if (length < 126) bytes[at + 1] = length;
		else if (length < 65_536) {
			bytes[at + 1] = 126;
			bytes.writeUInt16BE(length, at + 2);
		} else {
			bytes[at + 1] = 127;
			bytes.writeBigUInt64BE(BigInt(length), at + 2);
		}
		at += headerSize(length);
		at += bytes.write(text, at);
	}
	return bytes;
}

function headerSize(length: number): number {
	if (length < 126) return 2;
	return length < 65_536 ? 4 : 10;
}

/** A message to all members of a topic, encoded once per serializer; null if a serializer cannot represent it. */
export class Fanout {
	readonly #write: (version: Version) => Wire | null;
	readonly #written = new Map<Version, Wire | null>();

	private constructor(write: (version: Version) => Wire | null) {
		this.#write = write;
	}

	static text(topic: string, event: string, payload: JsonText): Fanout {
		return new Fanout(version => encode(version, {joinRef: null, ref: null, topic, event, payload}));
	}

	/**
	 * A binary broadcast: kind 4 (kind, lengths of topic, event and metadata, encoding, the strings, the payload), or kind 2 for plain
	 * bytes. For 1.0.0, which has no binary frames, a JSON message; null if the payload is not valid JSON.
	 */
	static binary(topic: string, {event, json, bytes}: BinaryPayload): Fanout {
		return new Fanout(version => {
			if (version === '2.0.0') {
				const names = [Buffer.from(topic), Buffer.from(event ?? 'broadcast')];
				const lengths = names.map(name => name.length);
				const header = event === null ? [2, ...lengths] : [4, ...lengths, 0, json ? 1 : 0];
				return {data: Buffer.concat([Buffer.from(header), ...names, bytes]), binary: true};
			}
			const text = bytes.toString('utf8');
			if (!json || !isJson(text)) return null;
			const payload = `{"event":${JSON.stringify(event)},"payload":${text},"type":"broadcast"}`;
			return encode(version, {joinRef: null, ref: null, topic, event: 'broadcast', payload});
		});
	}

	wire(version: Version): Wire | null {
		let wire = this.#written.get(version);
		if (wire === undefined) this.#written.set(version, (wire = this.#write(version)));
		return wire;
	}
}

function isJson(text: string): boolean {
	try {
		JSON.parse(text);
		return true;
	} catch {
		return false;
	}
}
