import {cutText} from '../../mailbox/text/excerpt.ts';
import {MailboxError} from '../../mailbox/error.ts';
import type {Message} from '../../mailbox/message.ts';
import {redactionOf} from '../../mailbox/redaction.ts';
import {sameTag} from '../../mailbox/tag.ts';
import {p, printable} from '../../printable.ts';
import type {State} from '../../store/state/state.ts';
import {selectedMessage, type MessageContext} from './message-keys.ts';
import type {Span} from '../screen/strip.ts';
import {tagStrong, theme} from '../settings/theme.ts';
import {question} from '../view/question.ts';

/** Asks whether to redact the selected message. A human may redact any, an agent only its own. */
export function askToRedact(context: MessageContext): void {
	const {store, ui} = context;
	const message = selectedMessage(context);
	if (message === undefined) return ui.setState({notice: 'There is no message to redact here.'});
	if (redactionOf(message) !== null) return ui.setState({notice: `#${message.id} is already redacted.`});
	if (!mayRedact(store.getState(), message)) {
		return ui.setState({
			notice: `#${message.id} is by ${printable(message.tag)}; only its author or a human can redact it.`,
		});
	}
	const overlay = question(ui, {
		lines: () => lines(message),
		yes: p`redact it`,
		no: p`keep it`,
		agree: () =>
			void store.redact(message.id).then(
				() => ui.setState({notice: `#${message.id} is redacted.`}),
				(error: unknown) =>
					ui.setState({notice: printable(error instanceof MailboxError ? error.sentence : String(error))}),
			),
	});
	ui.setState({overlay});
}

/** The question; its lines fit into 80 columns. */
function lines({id, tag, body}: Message): Span[][] {
	return [
		[
			{text: p`Redact `, style: theme.strong},
			{text: p`#${id} `, style: theme.strong},
			{text: printable(tag), style: tagStrong(tag)},
			{text: p`?`, style: theme.strong},
		],
		[{text: p`${printable(beginning(body))}`, style: theme.text}],
		[],
		[{text: p`Its text is removed for everyone and cannot be restored.`, style: theme.warn}],
		[{text: p`Its author and time are kept.`, style: theme.warn}],
		[],
	];
}

function mayRedact({identity}: State, {author_tag}: Message): boolean {
	if (identity === null || identity.kind !== 'agent') return true;
	return author_tag !== null && sameTag(author_tag, identity.tag);
}

/** The beginning of a text, for one line. */
function beginning(body: string): string {
	const line = body.replaceAll(/\s+/g, ' ').trim();
	return line.length <= 60 ? line : `${cutText(line, 60)}…`;
}
