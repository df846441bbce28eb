import type {SessionFile} from '../../join/hook/hook-session.ts';
import type {Mail, MailRow} from '../../join/hook/mail.ts';
import type {Call} from '../../join/hook/rpc.ts';
import {readContent} from '../../mailbox/message.ts';
import type {SignatureStatus} from '../../mailbox/signature.ts';
import {createVerifier} from '../../signing/verifier.ts';

interface Surroundings {
	readonly data: string;
	readonly call: Call;
	readonly session: SessionFile;
}

/**
 * Verifies the signatures of a hook's mail. The mailbox's id is requested with the first signature of a session, and again when a
 * signature does not match, because the same address may serve another database by then.
 */
export function hookVerifier({data, call, session}: Surroundings): (mail: readonly MailRow[]) => Promise<Mail[]> {
	const verify = createVerifier(data);
	const checked = (mail: readonly MailRow[], mailbox: string | null): Mail[] =>
		mail.map(row => ({...row, body: readContent(row.content).body, signed: signedOf(row, mailbox)}));
	const signedOf = (row: MailRow, mailbox: string | null): SignatureStatus =>
		row.signature === null || mailbox === null
			? false
			: verify({...row, body: readContent(row.content).body, meta: {signature: row.signature}}, mailbox);

	return async mail => {
		if (mail.every(({signature}) => signature === null)) return checked(mail, null);
		const known = session.read().mailbox;
		const found = checked(mail, known);
		if (known !== null && found.every(({signed}) => signed !== 'invalid')) return found;
		const mailbox = mailboxIn(await call('mailbox_state', {}));
		if (mailbox === known) return found;
		session.change({mailbox});
		return checked(mail, mailbox);
	};
}

/** The mailbox's id; null in an old database that has none, where nothing is signed. */
export function mailboxIn(answer: unknown): string | null {
	const [state] = Array.isArray(answer) ? (answer as unknown[]) : [answer];
	const {mailbox_id} = (state ?? {}) as {readonly mailbox_id?: unknown};
	return typeof mailbox_id === 'string' ? mailbox_id : null;
}
