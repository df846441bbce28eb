import type {Json} from './json.ts';
import type {Signed} from './signature.ts';
import type {Tag} from './tag.ts';

/** Who took out what a message said. The database alone writes it: into `meta.redaction`, with a content that says no more. */
export interface Redaction {
	/** Null: plain SQL, or a service key that named nobody. */
	readonly by: Tag | null;
	/** A token vouched for a human. */
	readonly isHuman: boolean;
	readonly reason: string | null;
	/** As it stands there: what a human's key made. */
	readonly signature: Json;
}

/** All that is left of a body (agentmux.redacted_content in supabase/migrations). */
const redactedBody = '(redacted)';

interface Row {
	readonly body: string;
	readonly meta: {readonly [key: string]: Json};
}

/** Null for a message that was not redacted, and for one that says anything else: whoever owns the database can write that. */
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
 * What stands in the place of a message's text for people to read: `(redacted by HUMAN, signed: a password)`. Remote text, as it
 * came.
 */
export function readableBody(message: Row & {readonly redaction_signed?: Signed}): string {
	const redaction = redactionOf(message);
	if (redaction === null) return message.body;
	const {by, reason} = redaction;
	return `(redacted${by === null ? '' : ` by ${by}`}${proof(message.redaction_signed, redaction)}${reason === null ? '' : `: ${reason}`})`;
}

function proof(signed: Signed | undefined, {isHuman}: Redaction): string {
	if (signed === true) return ', signed';
	if (signed === 'invalid') return ', INVALID SIGNATURE';
	if (signed === 'unknown key') return ', unknown key';
	return isHuman ? ', unsigned' : '';
}
