import type {Keymap} from '../settings/keymap.ts';
import type {Message} from '../../mailbox/message.ts';
import {sameTag} from '../../mailbox/tag.ts';
import {p, printable, type Printable} from '../../printable.ts';
import {replyCount} from '../../store/select.ts';
import type {Pending, State} from '../../store/state/state.ts';
import {justify, type Span, type Strip} from '../screen/strip.ts';
import {tagStrong, tagStyle, theme} from '../settings/theme.ts';
import {clockTime} from '../settings/words.ts';
import {doubtSpans, signatureSpans, urgentSpans} from './authorship.ts';
import {Cache} from './cache.ts';
import {deliverySpans} from './delivery.ts';

/** The first line of a message: time, tag, mentions, and delivery at the right. `now`: milliseconds since 1970. */
export function messageHead(state: State, message: Message, width: number, now: number, isInTree = false): Strip {
	const time = clockTime(message.created_at, now);
	const replies = message.thread_id === message.id ? replyCount(state, message.id) : 0;
	// Nothing may push the warning off the line.
	const right = message.signed === 'invalid' ? [] : deliverySpans(state, message, now);
	const doubtful = doubtSpans(state, message);
	const varying = [...doubtful, ...right].map(({text, style}) => `${style} ${text}`);
	const key = `${width} ${time} ${replies} ${isInTree} ${varying.join()}`;
	const known = heads.get(message, key);
	if (known !== undefined) return known;
	return heads.set(message, key, justify(headSpans(message, doubtful, time, replies, isInTree), right, width));
}

/** Heads by everything that they show: needed in every frame, but they rarely change. Room for several screens. */
const heads = new Cache<Strip>(600);

function headSpans(
	message: Message,
	doubtful: readonly Span[],
	time: Printable,
	replies: number,
	isInTree: boolean,
): Span[] {
	const left: Span[] = [
		{text: p`${time} `, style: theme.grey},
		{text: printable(message.tag), style: tagStrong(message.tag)},
		...doubtful,
		...urgentSpans(message),
	];
	if (message.mentions.length > 0) {
		left.push({text: p` → `, style: theme.grey});
		message.mentions.forEach((tag, index) => {
			if (index > 0) left.push({text: p`, `, style: theme.grey});
			left.push({text: printable(tag), style: tagStyle(tag)});
		});
	}
	left.push(...signatureSpans(message));
	if (replies > 0) left.push({text: p`  ⤷ ${replies}`, style: theme.grey});
	// In a tree, a reply is below what it replies to.
	else if (message.reply_to !== null && !isInTree) left.push({text: p`  ↳ #${message.reply_to}`, style: theme.faint});
	return left;
}

/** The first line of a pending message. */
export function pendingHead(
	state: State,
	pending: Pending,
	tag: string,
	width: number,
	now: number,
	{keyFor}: Keymap,
): Strip {
	const me = state.identity?.tag;
	const left: Span[] = [
		{text: p`${clockTime(new Date(pending.since).toISOString(), now)} `, style: theme.grey},
		{text: printable(tag), style: tagStyle(tag)},
		...urgentSpans({meta: pending.draft.meta ?? {}}),
	];
	if (me !== undefined && !sameTag(me, tag)) left.push({text: p`  by ${printable(me)}`, style: theme.grey});
	const right: Record<Pending['phase'], Span> = {
		sending: {text: p`sending`, style: theme.pending},
		waiting: {text: p`waiting for the connection`, style: theme.warn},
		refused: {text: p`not sent · ${keyFor('reply')} to edit it`, style: theme.bad},
	};
	return justify(left, [right[pending.phase]], width);
}
