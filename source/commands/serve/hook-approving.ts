import {randomUUID} from 'node:crypto';
import {mailboxIn} from './hook-verifier.ts';
import {loadConfig} from '../../config.ts';
import {clientStatus} from '../../join/clients/client-status.ts';
import type {ClientId} from '../../join/clients/dialect.ts';
import {answerTime} from '../../join/clients/time-limit.ts';
import {Approving} from '../../join/hook/approving.ts';
import type {Call} from '../../join/hook/rpc.ts';
import {checkAnswer} from '../../signing/answer.ts';
import {readRules} from '../../signing/approval-rules.ts';
import {readTrust} from '../../signing/trusted-keys.ts';

interface Surroundings {
	readonly program: ClientId;
	/** The data folder, with the trusted keys and the rules. */
	readonly data: string;
	/** Of the client, where it describes itself. */
	readonly env: NodeJS.ProcessEnv;
	/** The hook's own, which may set what config.toml sets. */
	readonly settings: NodeJS.ProcessEnv;
	readonly reconnect: () => Promise<Call>;
	readonly extend: (seconds: number) => void;
	readonly log: (sentence: string) => void;
}

/** Milliseconds for telling the mailbox that the client has ended the hook; then it is killed. */
const killTime = 1000;

/** What asks humans for the permission that this hook's client asks its user for. Rejects with MailboxError `invalid` for a wrong setting. */
export async function hookApproving({program, data, env, settings, ...means}: Surroundings): Promise<Approving> {
	const {approvalWait} = await loadConfig({env: settings});
	return new Approving({
		...means,
		program,
		seconds: Math.min(answerTime[program], approvalWait),
		showsOwn: program === 'claude',
		request: randomUUID(),
		rules: () => readRules(data),
		async check(row, request, question, call) {
			const mailboxId = mailboxIn(await call('mailbox_state', {}));
			if (mailboxId === null) return 'the mailbox has no id';
			return checkAnswer(row, {request, question, mailboxId, trust: readTrust(data)});
		},
		status: () => (program === 'claude' ? (clientStatus(env)?.status ?? null) : null),
		onKill(end) {
			for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
				process.once(signal, () => {
					setTimeout(() => process.exit(), killTime);
					end().then(
						() => process.exit(),
						() => process.exit(),
					);
				});
			}
		},
	});
}
