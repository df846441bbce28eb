import {urgentMeta, type Draft} from '../../mailbox/message.ts';
import {isTag, type Tag} from '../../mailbox/tag.ts';
import type {Draft as ComposeDraft} from '../model/ui.ts';
import {edit} from '../editor/editor.ts';

/** A sent message that has no row yet, with the key that makes sure it is inserted only once. */
export type Unsent = Draft & {readonly client_id: string};

/** A draft as saved for the next start. */
export interface KeptDraft extends ComposeDraft {
	/** Saved here by earlier versions; KeptUnsent saves them now. */
	readonly unsent: readonly Unsent[];
}

/** The text of the file, or null if there is nothing to save: the latest draft, and the others in `drafts`. Pure. */
export function keptText(drafts: readonly ComposeDraft[]): string | null {
	const kept = drafts.map(({editor, tag, reply, prefill, place}) => ({...editor, reply, prefill, tag, place}));
	const latest = kept.pop();
	return latest === undefined ? null : JSON.stringify({...latest, ...(kept.length === 0 ? {} : {drafts: kept})});
}

/** Parses such a text, the latest draft last; none if it is damaged or not ours. Pure. */
export function readKept(text: string): readonly KeptDraft[] {
	const value = objectIn(text);
	const others = value === null || !Array.isArray(value['drafts']) ? [] : value['drafts'].flatMap(keptIn);
	return [...others, ...keptIn(value)];
}

function keptIn(found: unknown): KeptDraft[] {
	const value = asObject(found);
	if (value === null || typeof value['text'] !== 'string') return [];
	const draft = value['text'].replaceAll('\0', '');
	const reply = asObject(value['reply']);
	const isReply = reply !== null && isId(reply['id']) && isTagName(reply['tag']);
	return [
		{
			editor: {text: draft, cursor: cursorIn(draft, value['cursor'])},
			tag: isTagName(value['tag']) ? value['tag'] : null,
			reply: isReply ? {id: reply['id'] as number, tag: reply['tag'] as Tag} : null,
			prefill: typeof value['prefill'] === 'string' ? value['prefill'] : '',
			// Files of earlier versions have none.
			place: typeof value['place'] === 'string' ? value['place'] : null,
			unsent: Array.isArray(value['unsent']) ? value['unsent'].flatMap(readUnsent) : [],
		},
	];
}

/** A saved message, or none if the value is not one. */
export function readUnsent(value: unknown): Unsent[] {
	const {content, client_id, reply_to, meta} = asObject(value) ?? {};
	if (typeof content !== 'string' || typeof client_id !== 'string') return [];
	const isUrgent = asObject(meta)?.['urgent'] === true;
	return [{content, client_id, ...(isId(reply_to) ? {reply_to} : {}), ...(isUrgent ? {meta: urgentMeta} : {})}];
}

/** The cursor in the file, moved to a grapheme boundary. */
function cursorIn(text: string, at: unknown): number {
	const wanted = typeof at === 'number' && at >= 0 && at <= text.length ? Math.trunc(at) : text.length;
	return edit({text, cursor: wanted}, {type: 'insert', text: ''}).cursor;
}

function isId(value: unknown): value is number {
	return Number.isSafeInteger(value) && (value as number) > 0;
}

function isTagName(value: unknown): value is Tag {
	return typeof value === 'string' && isTag(value);
}

export function objectIn(text: string): {readonly [name: string]: unknown} | null {
	try {
		return asObject(JSON.parse(text));
	} catch {
		return null;
	}
}

function asObject(value: unknown): {readonly [name: string]: unknown} | null {
	return typeof value === 'object' && value !== null ? {...value} : null;
}
