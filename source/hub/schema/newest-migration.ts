import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import {packageRoot} from '../files/package-root.ts';

/**
 * The version of the newest migration that this agentmux brings, 14 digits: what tells an older one from a newer. By names
 * alone, and in a file of its own, because every command asks it before it opens the mailbox.
 */
export function newestMigration(folder = join(packageRoot, 'supabase', 'migrations')): string {
	return readdirSync(folder)
		.map(file => /^(\d{14})_.+\.sql$/.exec(file)?.[1] ?? '')
		.reduce((newest, version) => (version > newest ? version : newest), '');
}
