import type {Json} from './json.ts';
import type {Signed} from './signature.ts';
import {foldTag, mentionPattern, sameTag, tagPattern, UNTAGGED, type FoldedTag, type Tag} from './tag.ts';

/** The largest content, in bytes of UTF-8 (the CHECK in supabase/migrations). */
export const maxContentBytes = 262_144;

export type AuthorKind = 'human' | 'agent' | 'system';

/**
 * One row of `messages`, with the columns' own names, so that SQL, REST, `--json` and the code
 * call a thing the same.
 */
export interface MessageRow {
	readonly id: number;
	/** The whole text, tag included. */
	readonly content: string;
	/** Derived by the database from `content`; UNTAGGED without one. */
	readonly tag: Tag;
	/** `content` without the tag in brackets and the white space after it. */
	readonly body: string;
	/** Whom the body addresses by `@TAG`, as written, without repeats; empty: everyone else. */
	readonly mentions: readonly Tag[];
	readonly reply_to: number | null;
	/** The root of the thread; of a message that replies to nothing: its own id. */
	readonly thread_id: number;
	readonly client_id: string | null;
	readonly meta: {readonly [key: string]: Json};
	/** Who really wrote it, from the verified token; null for plain SQL. */
	readonly author_tag: Tag | null;
	readonly author_kind: AuthorKind | null;
	/** The token vouches for the author (who may be a human writing under another tag). */
	readonly verified: boolean;
	/** The writing transaction, an xid8 in decimal. */
	readonly xid: string;
	/** ISO 8601, as PostgREST prints a timestamptz. */
	readonly created_at: string;
}

/** A row, and what this machine finds of the signature in its `meta`: that is no column, and nothing in the database decides it. */
export interface Message extends MessageRow {
	readonly signed: Signed;
	/** The same of the signature of a redaction; absent where nothing was redacted. */
	readonly redaction_signed?: Signed;
}

/** What a client hands over to be inserted; everything else is derived by the database. */
export interface Draft {
	readonly content: string;
	readonly reply_to?: number | null;
	/** The sender's idempotency key (UUID); made by the mailbox when absent. */
	readonly client_id?: string;
	readonly meta?: {readonly [key: string]: Json};
}

/** `[TAG] body`, the one way a content is put together. UNTAGGED writes no brackets. */
export function contentOf(tag: Tag, body: string): string {
	return sameTag(tag, UNTAGGED) ? body : `[${tag}] ${body}`;
}

const tagged = new RegExp(String.raw`^\[(${tagPattern})\]\s*`);

/** Tag and body of a content, as the database derives them (agentmux.tag and agentmux.body in supabase/migrations). */
export function readContent(content: string): {readonly tag: Tag; readonly body: string} {
	const match = tagged.exec(content);
	return {tag: match?.[1] ?? UNTAGGED, body: match === null ? content : content.slice(match[0].length)};
}

const mention = new RegExp(mentionPattern, 'g');

/** One message addresses at most so many; it may name more. */
const maxMentions = 64;
/** Only the first this many `@` of a body are looked at. */
const maxSigns = 4096;

/** The first `@TAG`s of a body, as first written, without repeats; the same rule as the database's. */
export function mentionsIn(body: string): Tag[] {
	const seen = new Map<FoldedTag, Tag>();
	for (const [, tag] of body
		.split('@', maxSigns + 1)
		.join('@')
		.matchAll(mention)) {
		if (seen.size === maxMentions) break;
		if (tag !== undefined && !seen.has(foldTag(tag))) seen.set(foldTag(tag), tag);
	}
	return [...seen.values()];
}

/** Whether `reader` is addressed: mentioned by name, or nobody is mentioned and someone else wrote it. */
export function addresses(message: Pick<Message, 'tag' | 'mentions'>, reader: Tag): boolean {
	if (message.mentions.length > 0) return message.mentions.some(tag => sameTag(tag, reader));
	return !sameTag(message.tag, reader);
}

/** Whether the message stands in the channel of `tag`: written by it, or addressed to it by name. */
export function inChannel(message: Pick<Message, 'tag' | 'mentions'>, tag: Tag): boolean {
	return sameTag(message.tag, tag) || message.mentions.some(other => sameTag(other, tag));
}

/**
 * What is to be said of who vouches for a message, in the order of how much it matters: a signature that does not fit, the lack
 * of one where a human should have signed, or that it is there. Null where nobody signs (an agent's own words), and where nothing
 * is left that was signed: of a redaction its own words say it.
 */
export function signatureRemark(
	message: Pick<Message, 'signed' | 'verified' | 'author_kind' | 'redaction_signed'>,
): 'signed' | 'unsigned' | 'unknown key' | 'invalid signature' | null {
	const {signed, verified, author_kind} = message;
	if (message.redaction_signed !== undefined) return null;
	if (signed === true) return 'signed';
	if (signed === 'invalid') return 'invalid signature';
	if (signed === 'unknown key') return signed;
	return verified && author_kind === 'human' ? 'unsigned' : null;
}

/** Who wrote it differs from the tag it stands under, or nobody vouches for the tag. */
export function authorDiffers(message: Pick<Message, 'tag' | 'author_tag' | 'verified'>): boolean {
	return !message.verified || message.author_tag === null || !sameTag(message.author_tag, message.tag);
}
