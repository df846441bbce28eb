import {runSql} from '../../gateway/management.ts';
import {foldTag, type Tag} from '../../mailbox/tag.ts';
import type {Invocation} from '../cli/command.ts';
import {openOwnersProject} from '../connect/owner.ts';

/** Explains the consequences to the human who grants it. */
export function ownerSqlText(tags: readonly Tag[], isHosted: boolean): string {
	const where = isHosted ? ' Start it with SUPABASE_ACCESS_TOKEN set.' : '';
	return `${tags.join(' and ')} now runs SQL as the owner: it can change anything, write as anyone, and undo a revocation. Join again without --owner-sql to end that.${where}`;
}

/** Records for everyone to see whether agents run SQL as the owner. Rejects with MailboxError. */
export async function markOwnerSql(
	surroundings: Pick<Invocation, 'env' | 'stderr'>,
	tags: readonly Tag[],
	isOwners: boolean,
): Promise<void> {
	const meta = isOwners ? `meta || '{"owner_sql": true}'` : `meta - 'owner_sql'`;
	// Safe to quote like this: a tag contains only letters, digits, _ and -.
	const names = tags.map(tag => `'${foldTag(tag)}'`).join(', ');
	const sql = `update public.agents set meta = ${meta} where upper(tag collate "C") in (${names})`;
	await runSql(await openOwnersProject(surroundings), sql);
}
