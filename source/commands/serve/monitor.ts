import {clientKey} from '../../join/clients/client.ts';
import {wakeText} from '../../join/hook/mail-text.ts';
import {pluginFlag, tagOfHook} from '../../join/joined-folder.ts';
import {startWaker} from '../../join/waker.ts';
import {findPaths} from '../../paths.ts';
import {p} from '../../printable.ts';
import type {Invocation} from '../cli/command.ts';
import {agentEnv} from '../connect/agent-env.ts';
import {openMailbox} from '../connect/connect.ts';
import {workingFolder} from '../connect/identity.ts';
import {write} from '../cli/output.ts';

/**
 * A way to wake Claude Code that its manual describes: each line that a plugin's monitor prints starts a turn of an idle session. It is
 * the second way, for mail that the bell of the agent's own server did not bring to anybody. Runs until the client ends it.
 */
export async function runMonitor(given: Invocation): Promise<void> {
	const {stdout} = given;
	const paths = findPaths(given.env);
	const env = await agentEnv(given.env, paths);
	const invocation = {...given, env};
	const folder = env['CLAUDE_PROJECT_DIR'] ?? workingFolder(env);
	const tag = tagOfHook(paths.data, [pluginFlag], {env, folder, client: 'claude'});
	const session = clientKey(env, null);
	// Without a key, it cannot be said whether this is the session to wake.
	if (tag === null || session === null) return;
	const mailbox = await openMailbox(invocation, {as: tag, kind: 'agent'});
	let notices = 0;
	const waker = startWaker({
		mailbox,
		tag,
		ways: [
			// What the server does: it has the first ten seconds.
			{name: 'bell', ring: async () => true},
			{
				name: 'socket',
				async ring() {
					const mail = await mailbox.wake(session);
					if (mail.length === 0) return false;
					notices += 1;
					await write(stdout, p`${wakeText(tag, mail, notices)}\n`);
					return true;
				},
			},
		],
		onChange: () => undefined,
	});
	const ended = Promise.withResolvers<void>();
	for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => ended.resolve());
	stdout.removeAllListeners('error').on('error', () => ended.resolve());
	await ended.promise;
	waker.end();
	await mailbox.close();
}
