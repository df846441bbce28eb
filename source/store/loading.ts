import {MailboxError} from '../mailbox/error.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import type {Message} from '../mailbox/message.ts';
import type {Change} from './state/change.ts';

type Apply = (change: Change) => void;

const firstPage = 500;

/** Reads what the screen shows first: the newest messages and their receipts, channels, agents and tasks. */
export async function load(mailbox: Mailbox, apply: Apply): Promise<void> {
	await Promise.all([
		loadRecent(mailbox, apply),
		mailbox.channels().then(channels => apply({type: 'channels', channels})),
		mailbox.agents().then(agents => apply({type: 'agents', agents})),
		mailbox.tasks.list().then(tasks => apply({type: 'tasks', tasks})),
	]);
}

async function loadRecent(mailbox: Mailbox, apply: Apply): Promise<void> {
	const messages = await mailbox.history({limit: firstPage});
	apply({type: 'recent', messages, complete: messages.length < firstPage});
	await loadReceipts(mailbox, apply, messages);
}

/** Reads the receipts of the messages. */
export async function loadReceipts(mailbox: Mailbox, apply: Apply, messages: readonly Message[]): Promise<void> {
	if (messages.length > 0) apply({type: 'receipts', receipts: await mailbox.receipts(messages.map(({id}) => id))});
}

/** One message, however old; null if there is no message with this id. */
export async function findMessage(mailbox: Mailbox, id: number): Promise<Message | null> {
	const [message] = await mailbox.history({after: id - 1, before: id + 1, limit: 1});
	return message ?? null;
}

/** The result of `work`; null if the mailbox cannot be reached. */
export async function unlessOffline<T>(work: Promise<T>): Promise<T | null> {
	try {
		return await work;
	} catch (error) {
		if (error instanceof MailboxError && error.code === 'offline') return null;
		throw error;
	}
}
