import {MailboxError} from '../../mailbox/error.ts';

export function noSuchMessage(id: number): MailboxError {
	return new MailboxError('not_found', `There is no message #${id}.`, '`agentmux tail` lists messages.');
}

export function noSuchTask(id: number): MailboxError {
	return new MailboxError('not_found', `There is no task #${id}.`, '`agentmux tasks` lists tasks.');
}

/** Replaces a `not_found` error of the other end that has no remedy by `missing`; returns any other error unchanged. */
export function orMissing(error: unknown, missing: MailboxError): unknown {
	return error instanceof MailboxError && error.code === 'not_found' && error.remedy === '' ? missing : error;
}
