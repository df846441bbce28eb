import {MailboxError} from '../../mailbox/error.ts';

export function noSuchMessage(id: number): MailboxError {
	return new MailboxError('not_found', `There is no message #${id}.`, 'See `agentmux tail` for those that there are.');
}

export function noSuchTask(id: number): MailboxError {
	return new MailboxError('not_found', `There is no task #${id}.`, 'See `agentmux tasks` for those that there are.');
}

/** What went wrong, told as `missing` where it is that the other end has no such row, and does not say what to do. */
export function orMissing(error: unknown, missing: MailboxError): unknown {
	return error instanceof MailboxError && error.code === 'not_found' && error.remedy === '' ? missing : error;
}
