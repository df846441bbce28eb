import {loadConfig} from '../config.ts';
import {hubPlace, keepHead, keptCopies, keptCopyText, seenHeads} from '../hub/upkeep/heads.ts';
import {readState} from '../hub/home/state-file.ts';
import {MailboxError, UsageError} from '../mailbox/error.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import type {CheckedSeal} from '../mailbox/seal.ts';
import {p, printable, type Printable} from '../printable.ts';
import type {Command} from './cli/command.ts';
import {withMailbox} from './connect/connect.ts';
import {checkHistory, type HistoryCheck} from './cli/check-history.ts';
import {timeOf} from './cli/message-text.ts';
import {remark, write, writeJson} from './cli/output.ts';

const command: Command = {
	summary: 'check that history was not changed',
	help: `
		Check that no message was changed, deleted, or inserted later.

		Usage
		  agentmux verify [--json]

		  --json   print an object: ok, messages, since, head, and what is wrong

		Every message becomes part of a chain of hashes within a minute. verify computes the chain again and compares it with
		the one in the database, and with the head that this machine saw last (docs/verify.md). It exits 1 if something was
		changed, and names the first such message.

		A redacted message counts with its original text, so redaction is not reported as a change.
	`,
	flags: {json: {type: 'boolean'}},
	async run(invocation) {
		const {input, flags, env, stdout, stderr} = invocation;
		if (input.length > 0) throw new UsageError(`Unexpected argument \`${input[0]}\`.`, 'See `agentmux verify --help`.');
		await withMailbox(invocation, {}, async mailbox => {
			const {paths, target} = await loadConfig({env});
			const location = target.kind === 'hub' ? hubPlace(readState(paths)?.database ?? '') : target.url;
			const check = await checkHistory(mailbox, seenHeads(paths.data, location), progress(stderr));
			const {head, epoch} = check;
			const wrong = wrongWith(check);
			if (wrong === null && head !== null) keepHead(paths.data, {place: location, epoch, ...head});
			for (const copy of keptCopies(paths.data)) remark(stderr, keptCopyText(copy));
			if (flags['json'] === true) {
				const since = await sinceOf(mailbox, check);
				await writeJson(stdout, {...check, ok: wrong === null, since});
			}
			if (wrong !== null) throw new MailboxError('conflict', wrong, remedy);
			if (flags['json'] === true) return;
			if (check.former !== null) remark(stderr, formerText(check));
			await write(stdout, summary(check, await sinceOf(mailbox, check)));
		});
	},
};

export default command;

const remedy =
	"Only someone with the rights of the database's owner could do that; an earlier backup shows the original.";

/** One sentence; null if nothing is wrong. */
function wrongWith({fault, lost, head}: HistoryCheck): string | null {
	if (lost !== null && lost.seq > (head?.seq ?? 0) && fault === null) {
		const end = head === null ? 'but now nothing is sealed' : `but now it ends at seal ${head.seq}`;
		return `History was cut: this machine saw seal ${lost.seq} on ${timeOf(lost.at)}, ${end}.`;
	}
	if (lost !== null) {
		return `History was rebuilt: when this machine saw seal ${lost.seq} on ${timeOf(lost.at)}, it was a different one.`;
	}
	return fault === null ? null : `History was changed: ${faultText(fault)}`;
}

function faultText({fault, message_id, seq, at}: CheckedSeal): string {
	const sealed = `(seal ${seq}, ${timeOf(at)})`;
	const id = message_id ?? 0;
	switch (fault) {
		case 'deleted':
			return `message #${id} was deleted after it was sealed ${sealed}.`;
		case 'inserted':
			return `message #${id} was inserted among messages that had been sealed without it ${sealed}.`;
		case 'redaction changed':
		case 'redaction deleted':
		case 'redaction inserted':
			return `the record of message #${id}'s redaction was ${fault.slice('redaction '.length)} ${sealed}.`;
		case 'changed':
			return `message #${id} was changed after it was sealed ${sealed}.`;
		case 'seal':
		case null:
			return `seal ${seq} does not follow from the one before it.`;
	}
}

function formerText({former, head}: HistoryCheck): string {
	if (former === null) return '';
	const end = head === null ? 'has no seal' : `ends at seal ${head.seq}`;
	return `This is not the history that this machine saw last, up to seal ${former.seq} of ${timeOf(former.at)}; it ${end}. That is normal after restoring a backup; if nobody did, somebody replaced the database.`;
}

function summary({messages, head}: HistoryCheck, since: string | null): Printable {
	if (head === null) return p`Nothing has been written yet.\n`;
	const count = p`${printable(messages.toLocaleString('en'))} ${messages === 1 ? 'message' : 'messages'}`;
	const from = since === null ? p`` : p` since ${timeOf(since)}`;
	return p`${count}${from}, ${printable(head.seq.toLocaleString('en'))} ${head.seq === 1 ? 'seal' : 'seals'}: nothing was changed. Head ${printable(head.hash.slice(0, 12))}.\n`;
}

/** When the first message was written. */
async function sinceOf(mailbox: Mailbox, {first_id}: HistoryCheck): Promise<string | null> {
	if (first_id === null) return null;
	const [first] = await mailbox.history({after: first_id - 1, before: first_id + 1, limit: 1});
	return first?.created_at ?? null;
}

/** Reports progress every few seconds. */
function progress(stderr: NodeJS.WriteStream): (messages: number) => void {
	let last = performance.now();
	return messages => {
		if (performance.now() < last + 3000) return;
		last = performance.now();
		remark(stderr, `Checked ${messages.toLocaleString('en')} messages.`);
	};
}
