import {contentOf, maxContentBytes} from '../../mailbox/message.ts';
import {printable} from '../../printable.ts';
import {tasksPane} from '../layout.ts';
import {readContent} from '../panes/source.ts';
import {emptyCompose, following, hasDraft, viewName} from '../ui.ts';
import {composeTag, setCompose, type ComposeContext} from './draft.ts';
import type {Unsent} from './kept-draft.ts';
import {withSent} from './sent.ts';

/** Hands the draft to the store, which shows it as pending at once; what is refused comes back into the line. */
export function send(context: ComposeContext): void {
	const {store, ui} = context;
	const {compose, focus} = ui.getState();
	const body = compose.editor.text.trimEnd();
	if (!hasDraft(compose)) return setCompose(context, {error: 'There is nothing to send yet.'});
	const content = contentOf(composeTag(store.getState(), compose), body);
	const bytes = Buffer.byteLength(content);
	if (bytes > maxContentBytes) {
		const most = maxContentBytes.toLocaleString('en');
		return setCompose(context, {
			error: `The message has ${bytes.toLocaleString('en')} bytes and may have ${most}: send it in parts, or put it into a file.`,
		});
	}
	const client_id = crypto.randomUUID();
	const {tag, killed} = compose;
	// The addressee stays for the next message, a quote does not.
	const prefill = compose.prefill.slice(compose.prefill.lastIndexOf('\n') + 1);
	const sent = withSent(compose.sent, body);
	ui.setState(now => ({
		compose: {...emptyCompose, tag, sent, killed, prefill, editor: {text: prefill, cursor: prefill.length}},
		// What was just written should be seen.
		views: focus === tasksPane ? now.views : new Map(now.views).set(viewName(now, focus), following),
	}));
	void deliver(context, {content, client_id, ...(compose.reply === null ? {} : {reply_to: compose.reply.id})});
}

/** Sends it however long that takes; what is refused comes back into the line, unless another draft stands there. */
export async function deliver(context: ComposeContext, draft: Unsent): Promise<void> {
	const failure = await context.store.post(draft);
	if (failure === null) return;
	if (hasDraft(context.ui.getState().compose)) context.ui.setState({notice: printable(failure)});
	else takeBack(context, draft.client_id, failure);
}

/** A refused message becomes the draft again, with the reason. */
export function takeBack(context: ComposeContext, clientId: string, failure: string | null): void {
	const pending = context.store.getState().pending.find(({draft}) => draft.client_id === clientId);
	if (pending === undefined) return;
	const {tag, body} = readContent(pending.draft.content);
	const answered = context.store.getState().messages.find(({id}) => id === pending.draft.reply_to);
	context.store.withdraw(clientId);
	setCompose(context, {
		editor: {text: body, cursor: body.length},
		tag,
		reply: answered === undefined ? null : {id: answered.id, tag: answered.tag},
		error: failure === null ? null : printable(failure),
		recalled: -1,
	});
}
