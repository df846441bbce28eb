import type {Json} from './json.ts';
import type {SignatureStatus} from './signature.ts';
import type {Tag} from './tag.ts';

/** Who redacted a message. Only the database writes this, into `meta.redaction`. */
export interface Redaction {
	/** Null for plain SQL, or a service key without a tag. */
	readonly by: Tag | null;
	/** Whether a token proves that it was a human. */
	readonly isHuman: boolean;
	readonly reason: string | null;
	/** The raw signature, by a human's key. */
	readonly signature: Json;
}

/** The body of a redacted message (agentmux.redacted_content in supabase/migrations). */
const redactedBody = '(redacted)';

interface Row {
	readonly body: string;
	readonly meta: {readonly [key: string]: Json};
}

/** Null if the message was not redacted, or if it has any other body: the owner of the database could write a false redaction. */
export function redactionOf({body, meta}: Row): Redaction | null {
	const redaction = meta['redaction'];
	if (body !== redactedBody || typeof redaction !== 'object' || redaction === null || Array.isArray(redaction))
		return null;
	const {by, kind, verified, reason, signature} = redaction as {readonly [name: string]: Json | undefined};
	return {
		by: typeof by === 'string' ? by : null,
		isHuman: verified === true && kind === 'human',
		reason: typeof reason === 'string' ? reason : null,
		signature: signature ?? null,
	};
}

/**
 * The text of a message for people to read; for a redacted one `(redacted by HUMAN, signed: a password)`. Remote text, not made
 * printable.
 */
export function readableBody(message: Row & {readonly redaction_signed?: SignatureStatus}): string {
	const redaction = redactionOf(message);
	if (redaction === null) return message.body;
	const {by, reason} = redaction;
	return `(redacted${by === null ? '' : ` by ${by}`}${proof(message.redaction_signed, redaction)}${reason === null ? '' : `: ${reason}`})`;
}

function proof(signed: SignatureStatus | undefined, {isHuman}: Redaction): string {
	if (signed === true) return ', signed';
	if (signed === 'invalid') return ', INVALID SIGNATURE';
	if (signed === 'unknown key') return ', unknown key';
	return isHuman ? ', unsigned' : '';
}
