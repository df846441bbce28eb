import type {Message} from '../../mailbox/message.ts';
import {printableLines} from '../../printable.ts';
import {hasDraft} from '../model/ui.ts';
import {setCompose, setEditor, type ComposeContext} from '../model/draft.ts';
import {openCompose} from './keys.ts';

const maxLines = 6;
const maxLineLength = 200;

/** The beginning of a text as a quote. Mentions lose their `@`, so that a quote does not address anyone again. */
export function quoted(text: string): string {
	const lines = printableLines(text.slice(0, maxLines * maxLineLength * 2)).filter(line => line.trim() !== '');
	const shown = lines.slice(0, maxLines).map(line => {
		const characters = Array.from(line);
		return characters.length <= maxLineLength ? line : `${characters.slice(0, maxLineLength).join('').trimEnd()}…`;
	});
	if (lines.length > maxLines) shown.push('…');
	return shown.map(line => `> ${line.replaceAll(/(?<![A-Za-z0-9_@-])@(?=[A-Za-z])/gu, '')}`).join('\n');
}

/** Begins a reply with a quote of the message before the existing draft. A quote alone counts as an empty draft. */
export function quoteInto(context: ComposeContext, message: Message): void {
	openCompose(context, {kind: 'message', message, depth: 0, goesOn: []});
	const {compose} = context.ui.getState();
	const begun = hasDraft(compose);
	// Without an empty line, Markdown would take what follows for a part of the quote.
	const text = `${quoted(message.body)}\n\n${compose.editor.text}`;
	setEditor(context, {text, cursor: text.length});
	if (!begun) setCompose(context, {prefill: text});
}
