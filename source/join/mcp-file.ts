import {randomUUID} from 'node:crypto';
import {chmod, mkdir, readFile, realpath, rename, rm, stat, writeFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {MailboxError} from '../mailbox/error.ts';
import type {Tag} from '../mailbox/tag.ts';
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
import {JsonFault} from './json-document.ts';
import {NotAnObject, removeAt, setAt, valueAt} from './json-edit.ts';

/** What a file becomes; null: there is none. Nothing is written until `apply`. */
export interface Edit {
	readonly file: string;
	readonly before: string | null;
	readonly after: string | null;
	/** What a person should know about it; one sentence each. */
	readonly remarks: readonly string[];
}

const root = 'mcpServers';
const bare = `{\n  "${root}": {}\n}\n`;

/** What join makes of the .mcp.json in `folder`. Rejects with MailboxError `file` or `invalid`. */
export async function planJoin(folder: string, tag: Tag, launcher: Launcher): Promise<Edit> {
	const file = join(folder, '.mcp.json');
	const before = await readText(file);
	const remarks: string[] = [];
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
		const name = taken === undefined || isSupabaseEntry(taken) ? supabaseServer : otherSupabaseServer;
		if (name !== supabaseServer) {
			remarks.push(`${file} has a \`${supabaseServer}\` server of its own, which stays; ours is called \`${name}\`.`);
		}
		const withMailbox = setAt(text, [root, mailboxServer], {...mailboxEntry(launcher, tag)});
		return setAt(withMailbox, [root, name], {...supabaseEntry(launcher)});
	});
	return {file, before, after, remarks};
}

/** Takes out what join wrote for this tag, and nothing else. A file that held nothing else goes. */
export async function planLeave(folder: string, tag: Tag): Promise<Edit> {
	const file = join(folder, '.mcp.json');
	const before = await readText(file);
	if (before === null) return {file, before, after: null, remarks: []};
	const after = editing(file, () => {
		if (!isMailboxEntry(valueAt(before, [root, mailboxServer]), tag)) return before;
		let text = removeAt(before, [root, mailboxServer]);
		for (const name of [supabaseServer, otherSupabaseServer]) {
			if (isSupabaseEntry(valueAt(text, [root, name]))) text = removeAt(text, [root, name]);
		}
		return text;
	});
	return {file, before, after: after === bare ? null : after, remarks: []};
}

/** Writes the whole file or nothing of it: a temporary file beside it takes its place. Symbolic links are kept. */
export async function apply({file, before, after}: Edit): Promise<void> {
	if (before === after) return;
	try {
		if (after === null) {
			await rm(file);
			return;
		}
		await mkdir(dirname(file), {recursive: true});
		const target = before === null ? file : await realpath(file);
		const temporary = `${target}.${randomUUID()}.tmp`;
		try {
			await writeFile(temporary, after, {flush: true, flag: 'wx'});
			if (before !== null) await chmod(temporary, (await stat(target)).mode);
			await rename(temporary, target);
		} catch (error) {
			await rm(temporary, {force: true});
			throw error;
		}
	} catch (error) {
		throw fileFault(file, 'written', error);
	}
}

async function readText(file: string): Promise<string | null> {
	try {
		return new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(await readFile(file));
	} catch (error) {
		if (error instanceof TypeError) {
			throw new MailboxError(
				'invalid',
				`${file} is not text in UTF-8; it was left as it is.`,
				'Correct it, then try again.',
			);
		}
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
		throw fileFault(file, 'read', error);
	}
}

function editing(file: string, edit: () => string): string {
	try {
		return edit();
	} catch (error) {
		if (error instanceof JsonFault) {
			throw new MailboxError(
				'invalid',
				`${file} is not valid JSON: line ${error.line}, ${error.message}; it was left as it is.`,
				'Correct that line, then try again.',
			);
		}
		if (error instanceof NotAnObject) {
			const what = error.path === '' ? 'The document' : `\`${error.path}\``;
			throw new MailboxError(
				'invalid',
				`${what} in ${file} is not an object; it was left as it is.`,
				'Correct it, then try again.',
			);
		}
		throw error;
	}
}

function fileFault(file: string, what: string, error: unknown): MailboxError {
	const {code} = error as NodeJS.ErrnoException;
	return new MailboxError(
		'file',
		`${file} cannot be ${what} (${code ?? 'unknown fault'}).`,
		'See to its permissions, then try again.',
		{
			cause: error,
		},
	);
}
