import {randomUUID} from 'node:crypto';
import {mkdirSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {temporaryPrefix} from '../pglite/data-directory.ts';
import {json, refusal, type Handler} from '../http/http.ts';
import type {OpenedDatabase} from '../database/opened-database.ts';

/**
 * For backups: `POST /agentmux/v1/copies` responds with a folder on this machine that contains `pg`, a copy of the data directory. The
 * client must remove the folder; the next start removes any that are left.
 */
export function createCopies(
	{copyTo, label}: Pick<OpenedDatabase, 'copyTo' | 'label'>,
	data: string,
): {handle: Handler} {
	return {
		async handle({method, path, caller}) {
			if (caller.role !== 'service_role') return refusal(401, 'Unauthorized: this needs the service_role key.');
			if (path !== '/copies' || method !== 'POST') return refusal(404, 'There is no such path here.');
			if (copyTo === null) return refusal(409, `The mailbox is on the PostgreSQL ${label}.`);
			const folder = join(data, `${temporaryPrefix}copy-${randomUUID()}`);
			try {
				mkdirSync(folder, {mode: 0o700});
				await copyTo(join(folder, 'pg'));
				return json(201, {folder});
			} catch (error) {
				rmSync(folder, {recursive: true, force: true});
				const reason = reasonOf(error);
				if (reason === null) throw error;
				return refusal(507, reason);
			}
		},
	};
}

/** What is wrong with the disk; null for other errors. Errors from the database's thread have their code only in the message. */
function reasonOf(error: unknown): string | null {
	const {message} = error as Error;
	if (/ENOSPC|EDQUOT|No space left/.test(message)) return 'the disk is full';
	return /EROFS|Read-only file system/i.test(message) ? 'the file system is read-only' : null;
}
