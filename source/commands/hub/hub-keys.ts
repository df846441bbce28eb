import {ensureHub} from '../../hub/process/ensure.ts';
import {HubError} from '../../hub/files/error.ts';
import {findHub} from '../../hub/process/find.ts';
import type {HubPaths} from '../../hub/files/paths.ts';
import {requestToken, rotateKeys as askForKeys} from '../../hub/process/token-request.ts';
import {joinedTags, updateToken, readCredentials} from '../../join/files/credentials-file.ts';
import {MailboxError} from '../../mailbox/error.ts';
import type {Tag} from '../../mailbox/tag.ts';
import {p, printable} from '../../printable.ts';
import {asTyped} from '../cli/called.ts';
import type {Invocation} from '../cli/command.ts';
import {identify, workingFolder} from '../connect/identity.ts';
import {loadConfig} from '../../config.ts';
import {remark, write, writeJson} from '../cli/output.ts';

/**
 * `agentmux hub rotate-keys`: tokens signed with the old keys are refused immediately, and the agents on this machine get new
 * ones. If this is interrupted, the agents' servers get new tokens when they ask, and it can be run again. Rejects with HubError,
 * or with MailboxError `forbidden` for an agent.
 */
export async function rotateKeys(paths: HubPaths, invocation: Invocation): Promise<void> {
	const {flags, stdout, stderr} = invocation;
	await refuseAgents(invocation, "can replace the hub's keys");
	await askForKeys(await ensureHub(paths, {onProgress: sentence => remark(stderr, sentence)}));
	const hub = await findHub(paths);
	if (hub === null) throw new HubError('The keys were replaced, but the hub stopped.', 'Run this again.');
	const renewed: Tag[] = [];
	for (const tag of joinedTags(paths.data)) {
		const former = readCredentials(paths.data, tag)?.token ?? null;
		if (former === null) continue;
		const answer = await requestToken(hub, {tag});
		if (!('token' in answer)) throw new HubError(`${answer.message}.`, 'Run this again.');
		updateToken(paths.data, tag, former, {key: hub.anon_key, token: answer.token});
		renewed.push(tag);
	}
	if (flags['json'] === true) return writeJson(stdout, {renewed});
	const agents =
		renewed.length === 0 ? 'No agent has joined on this machine.' : `New tokens for: ${renewed.join(', ')}.`;
	await write(
		stdout,
		p`The hub has new keys; it refuses all earlier keys and tokens. ${printable(agents)}\nOther programs that use its keys need the new ones (${printable(asTyped('`agentmux hub status -o env`'))}). Restart agents that have not joined on this machine.\n`,
	);
}

/** `what`: what only a human can do, `can replace the keys`. Rejects with MailboxError `forbidden` for an agent. */
export async function refuseAgents({env, stdin, stderr}: Invocation, what: string): Promise<void> {
	const isTerminal = stdin.isTTY || stderr.isTTY;
	const {tag, isBound} = await identify(await loadConfig({env}), {env, cwd: workingFolder(env), isTerminal});
	if (!isBound) return;
	throw new MailboxError(
		'forbidden',
		`Here you act as ${tag}, and only a human ${what}.`,
		'Run this in your own terminal.',
	);
}
