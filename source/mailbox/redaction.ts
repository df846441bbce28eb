import type {Json} from './json.ts';
import type {Message} from './message.ts';
import type {Tag} from './tag.ts';

/** Who took out what a message said. The database alone writes it: into `meta.redaction`, with a content that says no more. */
export interface Redaction {
	/** Null: plain SQL, or a service key that named nobody. */
	readonly by: Tag | null;
	readonly verified: boolean;
	readonly reason: string | null;
	/** ISO 8601. */
	readonly at: string;
	/** As it was handed over: what a human's key made. */
	readonly signature: {readonly [key: string]: Json} | null;
}

/** What to record with a redaction. */
export interface RedactOptions {
	readonly reason?: string;
	/** Proof that a human did it. */
	readonly signature?: {readonly [key: string]: Json};
}

/** Null for a message that was not redacted. */
export function redactionOf({meta}: Pick<Message, 'meta'>): Redaction | null {
	const redaction = objectOf(meta['redaction']);
	if (redaction === null) return null;
	const text = (name: string): string | null => {
		const value = redaction[name];
		return typeof value === 'string' ? value : null;
	};
	return {
		by: text('by'),
		verified: redaction['verified'] === true,
		reason: text('reason'),
		at: text('at') ?? '',
		signature: objectOf(redaction['signature']),
	};
}

/** `redacted by HUMAN`, with the reason where there is one. Remote text, as it came. */
function redactionWords({by, reason}: Redaction): string {
	return `redacted${by === null ? '' : ` by ${by}`}${reason === null ? '' : `: ${reason}`}`;
}

/** What stands in the place of a message's text for people to read. */
export function readableBody(message: Pick<Message, 'body' | 'meta'>): string {
	const redaction = redactionOf(message);
	return redaction === null ? message.body : `(${redactionWords(redaction)})`;
}

function objectOf(value: Json | undefined): {readonly [key: string]: Json} | null {
	return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
}
