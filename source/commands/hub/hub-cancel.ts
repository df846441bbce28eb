import {runningHub} from '../../hub/process/ensure.ts';
import type {HubPaths} from '../../hub/files/paths.ts';
import {cancelStatements} from '../../hub/process/token-request.ts';
import {joinPrintable, p, printable} from '../../printable.ts';
import type {Invocation} from '../cli/command.ts';
import {refuseAgents} from './hub-keys.ts';
import {write, writeJson} from '../cli/output.ts';

/** `agentmux hub cancel`: cancels the owner's statements. Rejects with HubError, or with MailboxError `forbidden` for an agent. */
export async function cancel(paths: HubPaths, invocation: Invocation): Promise<void> {
	const {flags, stdout} = invocation;
	await refuseAgents(invocation, "can cancel the owner's statements");
	const cancelled = await cancelStatements(await runningHub(paths));
	if (flags['json'] === true) return writeJson(stdout, {cancelled});
	const lines = cancelled.map(
		({who, what, running}) =>
			p`Cancelled after ${Math.round(running / 1000)} s, ${printable(who)}: ${printable(what)}\n`,
	);
	await write(stdout, lines.length === 0 ? p`The owner has no running statement.\n` : joinPrintable(lines));
}
