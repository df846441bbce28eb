import {runSql} from '../../gateway/management.ts';
import {foldTag, type Tag} from '../../mailbox/tag.ts';
import type {Invocation} from '../cli/command.ts';
import {openOwnersProject} from '../connect/connect.ts';

/** What it means, in a sentence for the human who gives it. */
export function ownerSqlText(tags: readonly Tag[], isHosted: boolean): string {
	const where = isHosted ? ' Start it where SUPABASE_ACCESS_TOKEN is set.' : '';
	return `The SQL of ${tags.join(' and ')} is now the owner's: it can change anything, write as anybody, and end a revocation. Joining again without --owner-sql takes it back.${where}`;
}

/** Shows everybody whose SQL is the owner's, or that it is so no more. Rejects with MailboxError. */
export async function markOwnerSql(
	surroundings: Pick<Invocation, 'env' | 'stderr'>,
	tags: readonly Tag[],
	isOwners: boolean,
): Promise<void> {
	const meta = isOwners ? `meta || '{"owner_sql": true}'` : `meta - 'owner_sql'`;
	// A tag is letters, digits, _ and -.
	const names = tags.map(tag => `'${foldTag(tag)}'`).join(', ');
	const sql = `update public.agents set meta = ${meta} where upper(tag collate "C") in (${names})`;
	await runSql(await openOwnersProject(surroundings), sql);
}
