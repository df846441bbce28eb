import {answerStatement, questionDigest, type Approval, type Decision} from '../../mailbox/approval.ts';
import {MailboxError} from '../../mailbox/error.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import {rows} from './columns.ts';
import type {MessageRows} from './message-rows.ts';
import type {Requests} from './requests.ts';
import {readApproval} from './rows.ts';

/** `approvals` of the Mailbox. */
export function createApprovals(requests: Requests, messages: MessageRows): Mailbox['approvals'] {
	return {
		list: ({limit = 50} = {}) =>
			requests.table(readApproval, client =>
				client.from('mux_approvals').select().order('id', {ascending: false}).limit(limit),
			),

		async find(id) {
			const [approval] = await requests.table(readApproval, client =>
				client.from('mux_approvals').select().eq('id', id),
			);
			if (approval !== undefined) return approval;
			throw new MailboxError('not_found', `There is no request ${id}.`, 'See `agentmux approvals list --all`.');
		},

		waiting: () =>
			requests.newer(
				'approvals_waiting',
				async () => rows(readApproval, await requests.rpc('approvals_waiting', {})),
				async () => [],
			),

		async decide(shown: Approval, decision: Decision) {
			const answer = JSON.stringify({...decision, question: await questionDigest(shown)});
			const {signature} = await messages.sign(answerStatement(shown.request, answer));
			// Made twice, the second would be refused as too late.
			const args = {p_id: shown.id, p_answer: answer, p_signature: signature ?? null};
			const [decided] = rows(readApproval, await requests.rpc('approval_decide', args, {twice: false}));
			if (decided === undefined) throw new MailboxError('internal', 'approval_decide answered without a row.');
			return decided;
		},
	};
}
