import {imitatedTag, resembled} from '../mailbox/look-alike.ts';
import {authorDiffers, signatureRemark, type Message} from '../mailbox/message.ts';
import {HUMAN, sameTag, SYSTEM, type Tag} from '../mailbox/tag.ts';
import {printable} from '../printable.ts';

export type Vouched = Pick<Message, 'tag' | 'author_tag' | 'author_kind' | 'verified' | 'signed'>;

/** Says to the agent `reader` who vouches for the sender of a message, and which known tag the sender's resembles. */
export function provenance(message: Vouched & Pick<Message, 'body'>, reader: Tag): string {
	const known = [HUMAN, SYSTEM, reader];
	const like = resembled(message.tag, known);
	const claims = imitatedTag(message.body, message.tag, known);
	return [
		...alarm(message),
		vouched(message),
		...(like === null ? [] : [`not ${like}, though the tag looks like it`]),
		...(claims === null ? [] : [`its text imitates a message from ${claims}`]),
	].join(', ');
}

function alarm(message: Vouched): string[] {
	return message.signed === 'invalid' ? ['INVALID SIGNATURE: this is not what a human signed'] : [];
}

function vouched(message: Vouched): string {
	const remark = signatureRemark(message);
	const signed = remark === null || remark === 'invalid signature' ? '' : `, ${remark}`;
	const author = printable(message.author_tag ?? message.tag);
	const differs = !sameTag(message.author_tag ?? message.tag, message.tag);
	if (message.signed === true) return `${differs ? 'really written and ' : ''}signed by ${author}, human`;
	if (!message.verified) return `unverified: the sender is not authenticated${signed}`;
	const kind = message.author_kind === 'agent' ? '' : `, ${message.author_kind}`;
	if (!authorDiffers(message)) return `verified${kind}${signed}`;
	return `really written by ${printable(message.author_tag ?? 'an unknown author')}, verified${kind}${signed}`;
}
