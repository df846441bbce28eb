import {isDeepStrictEqual} from 'node:util';
import {join} from 'node:path';
import {MailboxError} from '../../mailbox/error.ts';
import type {Tag} from '../../mailbox/tag.ts';
import {foldersAbove} from '../clients/above.ts';
import {claude, type Client} from '../clients/clients.ts';
import {
	isMailboxEntry,
	isSupabaseEntry,
	mailboxEntry,
	mailboxServer,
	otherSupabaseServer,
	supabaseEntry,
	supabaseServer,
	tagOfEntry,
	type Launcher,
	type ServerOptions,
} from '../clients/entries.ts';
import {editing, orNothing, readText, unedited, type Edit} from './file-edit.ts';
import {locate} from './json-document.ts';
import {removeAt, setAt, valueAt} from './json-edit.ts';

const root = 'mcpServers';

/** Plans our servers in the client's JSON file in `folder`. Rejects with MailboxError `file` or `invalid`. */
export async function planServers(
	folder: string,
	tag: Tag,
	launcher: Launcher,
	client = claude,
	{headless = false, sql = true}: ServerOptions = {},
): Promise<Edit> {
	const file = join(folder, client.servers);
	const before = await readText(file);
	const remarks: string[] = [];
	const above = await foreignServerAbove(folder, client, text => valueAt(text, [root]));
	const after = editing(file, () => {
		const text = before === null || before.trim() === '' ? '{}\n' : before;
		locate(text, client);
		const known = valueAt(text, [root, mailboxServer]);
		const former = tagOfEntry(known);
		if (known !== undefined && former === null) {
			throw new MailboxError(
				'conflict',
				`${file} has an entry \`${mailboxServer}\` that join did not write.`,
				'Rename or remove that entry, then join again.',
			);
		}
		if (former !== null && !isMailboxEntry(known, tag)) {
			// Only Claude Code passes AGENTMUX_TAG on to what it starts.
			const both =
				client === claude
					? ` For two agents there, join as ${former} again, and start ${tag} beside it with \`agentmux run ${tag}\` or \`AGENTMUX_TAG=${tag} ${client.program}\`.`
					: '';
			remarks.push(`${folder} was joined as ${former} before; a folder has only one tag.${both}`);
		}
		const withMailbox = setAt(text, [root, mailboxServer], {...mailboxEntry(launcher, tag, headless)});
		if (!sql) return withoutSupabase(withMailbox);
		const existing = valueAt(text, [root, supabaseServer]);
		const foreign = existing === undefined ? above : isSupabaseEntry(existing) ? null : file;
		const name = foreign === null ? supabaseServer : otherSupabaseServer;
		if (foreign !== null) {
			remarks.push(`${foreign} already has a \`${supabaseServer}\` server, which is kept; ours is named \`${name}\`.`);
		}
		return setAt(withMailbox, [root, name], {...supabaseEntry(launcher, tag)});
	});
	return {file, before, after, remarks};
}

function withoutSupabase(text: string): string {
	const own = [supabaseServer, otherSupabaseServer].filter(name => isSupabaseEntry(valueAt(text, [root, name])));
	return own.reduce((rest, name) => removeAt(rest, [root, name]), text);
}

/** The nearest such file in a folder above with another `supabase` server, which ours would replace under the same name. */
export async function foreignServerAbove(
	folder: string,
	{servers}: Client,
	serversIn: (text: string) => unknown,
): Promise<string | null> {
	for (const above of foldersAbove(folder)) {
		const file = join(above, servers);
		const entry = await readText(file)
			.then(text => (text === null ? undefined : (serversIn(text) as {[name: string]: unknown})[supabaseServer]))
			// We do not write this file, so it may be one that we cannot parse.
			.catch(() => undefined);
		if (entry !== undefined) return isSupabaseEntry(entry) ? null : file;
	}
	return null;
}

/**
 * Plans to remove what join wrote for this tag (null: for any), and objects that this leaves empty. `edit` is an earlier edit of
 * the same file, if it contains more than servers.
 */
export async function planServersRemoval(folder: string, tag: Tag | null, client = claude, edit?: Edit): Promise<Edit> {
	const {file, before, after: start, remarks} = edit ?? (await unedited(join(folder, client.servers)));
	if (start === null || start.trim() === '') return {file, before, after: start, remarks};
	const after = editing(file, () => {
		const known = valueAt(start, [root, mailboxServer]);
		if (tag === null ? tagOfEntry(known) === null : !isMailboxEntry(known, tag)) return start;
		const text = withoutSupabase(removeAt(start, [root, mailboxServer]));
		return isDeepStrictEqual(valueAt(text, [root]), {}) ? removeAt(text, [root]) : text;
	});
	return {file, before, after: orNothing(start, after), remarks};
}
