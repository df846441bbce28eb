import {MailboxError} from '../../mailbox/error.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {Task} from '../../mailbox/task.ts';
import {printable} from '../../printable.ts';
import type {ScreenContext} from '../model/ui.ts';

/** Sends a request to the mailbox, and shows `done` or the error. */
export function ask(
	{store, ui}: ScreenContext,
	request: (tasks: Mailbox['tasks']) => Promise<Task>,
	done: string,
): void {
	store.changeTasks(request).then(
		() => ui.setState({notice: done}),
		(error: unknown) => ui.setState({notice: sentenceOf(error)}),
	);
}

export function sentenceOf(error: unknown): string {
	return printable(error instanceof MailboxError ? error.sentence : String(error));
}
