import type {SessionFile} from '../../join/hook/hook-session.ts';
import type {Mail, MailRow} from '../../join/hook/mail.ts';
import type {Call} from '../../join/hook/rpc.ts';
import {readContent} from '../../mailbox/message.ts';
import type {Signed} from '../../mailbox/signature.ts';
import {createVerifier} from '../../signing/verifier.ts';

interface Surroundings {
	readonly data: string;
	readonly call: Call;
	readonly session: SessionFile;
}

/**
 * Looks at the signatures of a hook's mail. Which mailbox this is, is asked with the first signature of a session, and again
 * where one does not fit: another database may have come under the same address.
 */
export function hookVerifier({data, call, session}: Surroundings): (mail: readonly MailRow[]) => Promise<Mail[]> {
	const verify = createVerifier(data);
	const looked = (mail: readonly MailRow[], mailbox: string | null): Mail[] =>
		mail.map(row => ({...row, body: readContent(row.content).body, signed: signedOf(row, mailbox)}));
	const signedOf = (row: MailRow, mailbox: string | null): Signed =>
		row.signature === null || mailbox === null
			? false
			: verify({...row, body: readContent(row.content).body, meta: {signature: row.signature}}, mailbox);

	return async mail => {
		if (mail.every(({signature}) => signature === null)) return looked(mail, null);
		const known = session.read().mailbox;
		const found = looked(mail, known);
		if (known !== null && found.every(({signed}) => signed !== 'invalid')) return found;
		const mailbox = mailboxIn(await call('mailbox_state', {}));
		if (mailbox === known) return found;
		session.change({mailbox});
		return looked(mail, mailbox);
	};
}

/** Null in a database that has no id of its own yet: nothing is signed there. */
function mailboxIn(answer: unknown): string | null {
	const [state] = Array.isArray(answer) ? (answer as unknown[]) : [answer];
	const {mailbox_id} = (state ?? {}) as {readonly mailbox_id?: unknown};
	return typeof mailbox_id === 'string' ? mailbox_id : null;
}
