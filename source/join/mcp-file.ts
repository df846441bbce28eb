import {join} from 'node:path';
import {MailboxError} from '../mailbox/error.ts';
import type {Tag} from '../mailbox/tag.ts';
import {foldersAbove} from './above.ts';
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
} from './entries.ts';
import {editing, readText, type Edit} from './file-edit.ts';
import {removeAt, setAt, valueAt} from './json-edit.ts';

const root = 'mcpServers';
const bare = `{\n  "${root}": {}\n}\n`;

/** What join makes of the .mcp.json in `folder`. Rejects with MailboxError `file` or `invalid`. */
export async function planJoin(folder: string, tag: Tag, launcher: Launcher): Promise<Edit> {
	const file = join(folder, '.mcp.json');
	const before = await readText(file);
	const remarks: string[] = [];
	const above = await foreignServerAbove(folder);
	const after = editing(file, () => {
		const text = before === null || before.trim() === '' ? bare : before;
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
			remarks.push(`${folder} was ${former} before; one folder speaks as one tag.`);
		}
		const taken = valueAt(text, [root, supabaseServer]);
		const foreign = taken === undefined ? above : isSupabaseEntry(taken) ? null : file;
		const name = foreign === null ? supabaseServer : otherSupabaseServer;
		if (foreign !== null) {
			remarks.push(
				`${foreign} has a \`${supabaseServer}\` server of its own, which stays; ours is called \`${name}\`.`,
			);
		}
		const withMailbox = setAt(text, [root, mailboxServer], {...mailboxEntry(launcher, tag)});
		return setAt(withMailbox, [root, name], {...supabaseEntry(launcher)});
	});
	return {file, before, after, remarks};
}

/** The nearest .mcp.json above that has a `supabase` server of the project's: under its name, ours would take its place. */
async function foreignServerAbove(folder: string): Promise<string | null> {
	for (const above of foldersAbove(folder)) {
		const file = join(above, '.mcp.json');
		const entry = await readText(file)
			.then(text => (text === null ? undefined : valueAt(text, [root, supabaseServer])))
			// A file that is not ours to write need not be one that we understand.
			.catch(() => undefined);
		if (entry !== undefined) return isSupabaseEntry(entry) ? null : file;
	}
	return null;
}

/** Who has its place in `folder`, whose .mcp.json must be JSON; null when nobody has. Rejects with MailboxError `file`. */
export async function tagIn(folder: string): Promise<Tag | null> {
	const text = await readText(join(folder, '.mcp.json'));
	return text === null || text.trim() === '' ? null : tagOfEntry(valueAt(text, [root, mailboxServer]));
}

/** Takes out what join wrote for this tag (null: for any), and nothing else. A file that held nothing else goes. */
export async function planLeave(folder: string, tag: Tag | null): Promise<Edit> {
	const file = join(folder, '.mcp.json');
	const before = await readText(file);
	if (before === null) return {file, before, after: null, remarks: []};
	const after = editing(file, () => {
		const known = valueAt(before, [root, mailboxServer]);
		if (tag === null ? tagOfEntry(known) === null : !isMailboxEntry(known, tag)) return before;
		let text = removeAt(before, [root, mailboxServer]);
		for (const name of [supabaseServer, otherSupabaseServer]) {
			if (isSupabaseEntry(valueAt(text, [root, name]))) text = removeAt(text, [root, name]);
		}
		return text;
	});
	return {file, before, after: after === bare ? null : after, remarks: []};
}
