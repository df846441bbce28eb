import {MailboxError} from '../../mailbox/error.ts';
import {contentOf, isUrgent, maxContentBytes, readContent, urgentMeta} from '../../mailbox/message.ts';
import {printable} from '../../printable.ts';
import {hasMessages} from '../model/pane-id.ts';
import {emptyCompose, following, hasDraft, homeOf, viewName, type Draft} from '../model/ui.ts';
import {commandIn, draftOf, messageIn} from './commands.ts';
import {composeTag, setCompose, withDraft, type ComposeContext} from '../model/draft.ts';
import type {Unsent} from './kept-draft.ts';
import {withSent} from '../model/sent.ts';

/** Sends the draft. The store shows it as pending at once; a refused message returns to the compose line. */
export function send(context: ComposeContext): void {
	const {store, ui} = context;
	const {compose, focus} = ui.getState();
	if (runCommand(context)) return;
	const {body, isUrgent: urgent} = messageIn(compose.editor.text.trimEnd());
	if (!hasDraft(compose) || body === '' || body === compose.prefill.trim())
		return setCompose(context, {error: 'There is nothing to send.'});
	const content = contentOf(composeTag(store.getState(), compose), body);
	const bytes = Buffer.byteLength(content);
	if (bytes > maxContentBytes) {
		const limit = maxContentBytes.toLocaleString('en');
		return setCompose(context, {
			error: `The message has ${bytes.toLocaleString('en')} bytes, but the limit is ${limit}: split it, or put it into a file.`,
		});
	}
	const client_id = crypto.randomUUID();
	const {tag, place, killed} = compose;
	// Keep the mention for the next message, but not a quote.
	const prefill = compose.prefill.slice(compose.prefill.lastIndexOf('\n') + 1);
	const sent = withSent(compose.sent, draftOf(body, urgent));
	ui.setState(now => ({
		compose: {...emptyCompose, tag, place, sent, killed, prefill, editor: {text: prefill, cursor: prefill.length}},
		// Scroll down to the new message.
		views: !hasMessages(focus) ? now.views : new Map(now.views).set(viewName(now, focus), following),
	}));
	void deliver(context, {
		content,
		client_id,
		...(compose.reply === null ? {} : {reply_to: compose.reply.id}),
		...(urgent ? {meta: urgentMeta} : {}),
	});
}

/** Runs the draft if it is a command; false if it is a message. A failed command returns to the compose line. */
function runCommand(context: ComposeContext): boolean {
	const {ui} = context;
	const {compose} = ui.getState();
	const {text} = compose.editor;
	const found = commandIn(text);
	if (found === null) return false;
	const fault = 'fault' in found ? found.fault : found.command.fault(found.rest);
	if (fault !== null || 'fault' in found) {
		setCompose(context, {error: fault});
		return true;
	}
	const {command, rest} = found;
	const {tag, prefill, place, killed} = compose;
	const editor = {text: prefill, cursor: prefill.length};
	setCompose(context, {
		...emptyCompose,
		tag,
		place,
		sent: withSent(compose.sent, text.trimEnd()),
		killed,
		prefill,
		editor,
	});
	command.run(rest, context, compose).then(
		notice => ui.setState({notice}),
		(error: unknown) => {
			const sentence = printable(error instanceof MailboxError ? error.sentence : String(error));
			if (hasDraft(ui.getState().compose)) return ui.setState({notice: sentence});
			ui.setState(now => withDraft(now, compose));
			setCompose(context, {error: sentence});
		},
	);
	return true;
}

/** Sends a message, however long that takes. If refused, it returns to the compose line, unless that has a draft. */
export async function deliver(context: ComposeContext, draft: Unsent): Promise<void> {
	const failure = await context.store.post(draft);
	if (failure === null) return;
	if (hasDraft(context.ui.getState().compose)) context.ui.setState({notice: printable(failure)});
	else takeBack(context, draft.client_id, failure);
}

/** Makes a refused message the draft again, with the reason. Another draft is left for later. */
export function takeBack(context: ComposeContext, clientId: string, failure: string | null): void {
	const pending = context.store.getState().pending.find(({draft}) => draft.client_id === clientId);
	if (pending === undefined) return;
	const {ui} = context;
	const {content, meta = {}} = pending.draft;
	const {tag, body} = readContent(content);
	const text = draftOf(body, isUrgent({meta}));
	const answered = context.store.getState().messages.find(({id}) => id === pending.draft.reply_to);
	context.store.withdraw(clientId);
	const draft: Draft = {
		editor: {text, cursor: text.length},
		tag,
		reply: answered === undefined ? null : {id: answered.id, tag: answered.tag},
		prefill: '',
		place: homeOf(ui.getState(), ui.getState().focus),
	};
	ui.setState(now => withDraft(now, draft));
	setCompose(context, {error: failure === null ? null : printable(failure)});
}
