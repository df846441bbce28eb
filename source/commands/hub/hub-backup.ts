import {statSync} from 'node:fs';
import {resolve} from 'node:path';
import {runSql} from '../../gateway/management.ts';
import {ensureHub} from '../../hub/process/ensure.ts';
import type {RunningHub} from '../../hub/process/find.ts';
import {transportTo} from '../../hub/local/transport.ts';
import type {HubPaths} from '../../hub/files/paths.ts';
import {p, printable} from '../../printable.ts';
import type {Invocation} from '../cli/command.ts';
import {checkIsHuman} from '../connect/human-only.ts';
import {remark, write, writeJson} from '../cli/output.ts';

/** `agentmux hub backup FILE`. Rejects with HubError. */
export async function backup(paths: HubPaths, {input, flags, stdout, stderr}: Invocation): Promise<void> {
	const file = resolve(input[1] ?? '');
	const hub = await ensureHub(paths, {onProgress: sentence => remark(stderr, sentence)});
	const {writeBackup} = await import('../../hub/process/backup.ts');
	const messages = await writeBackup(hub, file);
	const bytes = statSync(file).size;
	if (flags['json'] === true) await writeJson(stdout, {file, bytes, messages});
	else {
		const size = printable(`${messages.toLocaleString('en')} messages, ${(bytes / 1e6).toFixed(1)} MB`);
		await write(stdout, p`Wrote the mailbox to ${printable(file)} (${size}).\n`);
	}
}

/** `agentmux hub restore FILE`. Rejects with HubError, or with MailboxError `forbidden` for an agent, because restoring discards newer messages. */
export async function restore(paths: HubPaths, {input, flags, env, stdout, stderr}: Invocation): Promise<void> {
	checkIsHuman(env, 'only a human can restore a backup');
	const file = resolve(input[1] ?? '');
	const say = (sentence: string): void => remark(stderr, sentence);
	const {restoreBackup} = await import('../../hub/process/backup.ts');
	const kept = await restoreBackup(paths, file, say);
	const messages = await count(await ensureHub(paths, {databaseUrl: 'embedded', onProgress: say}));
	if (flags['json'] === true) return writeJson(stdout, {messages, kept});
	const before = kept === null ? '' : p`The former mailbox is kept in ${printable(kept)}.\n`;
	await write(
		stdout,
		p`Restored ${printable(messages.toLocaleString('en'))} messages from ${printable(file)}.\n${before}`,
	);
}

async function count(hub: RunningHub): Promise<number> {
	const project = {url: hub.url, project_ref: 'local', token: hub.service_role_key, transport: transportTo(hub)};
	const [row] = await runSql(project, 'select count(*) as n from messages', {readOnly: true});
	return Number(row?.['n']);
}
