import {isUrgent, signatureRemark, type Message} from '../../mailbox/message.ts';
import {sameTag} from '../../mailbox/tag.ts';
import {p, printable} from '../../printable.ts';
import type {State} from '../../store/state/state.ts';
import type {Span} from '../screen/strip.ts';
import {tagStyle, theme} from '../settings/theme.ts';
import {imitationMarks} from './look-alike.ts';

/** What casts doubt on a tag. It directly follows the tag, so that a long list of mentions cannot push it off the line. */
export function doubtSpans(state: State, message: Message): Span[] {
	const {tag, author_tag, verified, signed} = message;
	const spans: Span[] = [...imitationMarks(state, message)];
	if (signed === 'invalid') spans.push({text: p`  INVALID SIGNATURE`, style: theme.badStrong});
	if (author_tag !== null && !sameTag(author_tag, tag)) {
		spans.push({text: p`  by `, style: theme.grey}, {text: printable(author_tag), style: tagStyle(author_tag)});
	}
	// A signed message needs no token to verify it.
	if (!verified && signed !== true) spans.push({text: p`  unverified`, style: theme.warn});
	return spans;
}

/** Says that a message is urgent. Follows the tag and what casts doubt on it. */
export function urgentSpans(message: Pick<Message, 'meta'>): Span[] {
	return isUrgent(message) ? [{text: p` urgent`, style: theme.bad}] : [];
}

/** A faint remark for a human's signed message; a warning if a human's message is not signed. */
export function signatureSpans(message: Message): Span[] {
	const remark = signatureRemark(message);
	if (remark === null || remark === 'invalid signature') return [];
	return [{text: p`  ${remark}`, style: remark === 'signed' ? theme.faint : theme.warn}];
}
