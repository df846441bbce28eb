import {randomUUID} from 'node:crypto';
import {constants} from 'node:fs';
import {
	access,
	chmod,
	lstat,
	mkdir,
	readFile,
	readlink,
	realpath,
	rename,
	rm,
	rmdir,
	stat,
	writeFile,
} from 'node:fs/promises';
import {basename, dirname} from 'node:path';
import {MailboxError} from '../../mailbox/error.ts';
import {JsonFault} from './json-document.ts';
import {NotAnArray, NotAnObject} from './json-edit.ts';

/** Folders in a project that belong to a client. */
const ownFolders = new Set(['.claude', '.codex', '.gemini']);

/** A planned change of a file; a null text means that there is no file. Nothing is written until `apply`. */
export interface Edit {
	readonly file: string;
	readonly before: string | null;
	readonly after: string | null;
	/** The mode of a new file; the system's default when absent. */
	readonly mode?: number;
	/** Whether a client's own folder stays when it is empty. */
	readonly keepsFolder?: boolean;
	/** What the user should know about it, one sentence each. */
	readonly remarks: readonly string[];
}

/** Rejects with MailboxError if an edit would change a read-only file or folder, or replace a link. */
export async function checkWritable(edits: readonly Edit[]): Promise<void> {
	for (const {file, before, after} of edits) {
		if (before === after) continue;
		if (before === null) await refuseDanglingLink(file);
		const touched = before === null ? await nearestFolder(dirname(file)) : file;
		// Respected even for root, for whom writing would succeed: somebody made it read-only on purpose.
		const isReadOnly = ((await stat(touched)).mode & 0o222) === 0;
		if (!isReadOnly && (before !== null || (await isWritable(touched)))) continue;
		throw new MailboxError(
			'file',
			`${touched} is read-only and was not changed.`,
			`Make it writable (chmod u+w), then try again.`,
		);
	}
}

/** A link that leads nowhere would be replaced by a file. Rejects with MailboxError `conflict`. */
async function refuseDanglingLink(file: string): Promise<void> {
	for (const path of [file, dirname(file)]) {
		const found = await lstat(path).catch(() => null);
		if (found?.isSymbolicLink() !== true || (await stat(path).catch(() => null)) !== null) continue;
		throw new MailboxError(
			'conflict',
			`${path} is a link to ${await readlink(path)}, which does not exist. It was not changed.`,
			'Create what it leads to, or remove the link, then try again.',
		);
	}
}

async function isWritable(folder: string): Promise<boolean> {
	return access(folder, constants.W_OK).then(
		() => true,
		() => false,
	);
}

/** The folder itself, or the nearest existing one above it. */
async function nearestFolder(folder: string): Promise<string> {
	const found = await stat(folder).catch(() => null);
	return found === null && dirname(folder) !== folder ? nearestFolder(dirname(folder)) : folder;
}

/** Applies all edits or none: if one fails, those before it are undone. Rejects with MailboxError. */
export async function applyAll(edits: readonly Edit[]): Promise<void> {
	const done: Edit[] = [];
	try {
		for (const edit of edits) {
			await apply(edit);
			done.push(edit);
		}
	} catch (error) {
		for (const edit of done.reverse()) await apply({...edit, before: edit.after, after: edit.before});
		throw error;
	}
}

/** Applies an edit atomically, by renaming a temporary file. Symbolic links are kept. */
export async function apply({file, before, after, mode, keepsFolder = false}: Edit): Promise<void> {
	if (before === after) return;
	try {
		if (after === null) {
			// Without its link, what it leads to would keep our lines.
			if ((await lstat(file)).isSymbolicLink()) {
				return await apply({file, before, after: file.endsWith('.json') ? '{}\n' : '', remarks: []});
			}
			await rm(file);
			// Also removes an empty folder if it belongs to a client, but never one of the project.
			if (!keepsFolder && ownFolders.has(basename(dirname(file)))) await rmdir(dirname(file)).catch(() => undefined);
			return;
		}
		await mkdir(dirname(file), {recursive: true, ...(mode === undefined ? {} : {mode: 0o700})});
		const target = await realpath(file).catch(() => file);
		const temporary = `${target}.${randomUUID()}.tmp`;
		try {
			await writeFile(temporary, after, {flush: true, flag: 'wx', mode: mode ?? 0o666});
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

/** Null, which means no file, if a JSON file is empty after our entries were removed. */
export function orNothing(before: string, after: string): string | null {
	return after !== before && after.trim() === '{}' ? null : after;
}

/** An edit that changes nothing yet. Rejects as readText does. */
export async function unedited(file: string): Promise<Edit> {
	const before = await readText(file);
	return {file, before, after: before, remarks: []};
}

/** Null if there is no such file. Rejects with MailboxError if it cannot be read or is not UTF-8. */
export async function readText(file: string): Promise<string | null> {
	try {
		return new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(await readFile(file));
	} catch (error) {
		if (error instanceof TypeError) {
			throw new MailboxError(
				'invalid',
				`${file} is not UTF-8 text, and was not changed.`,
				'Correct it, then try again.',
			);
		}
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
		throw fileFault(file, 'read', error);
	}
}

/** Returns what `edit` returns; turns its errors into MailboxErrors that name the file and the line. */
export function editing(file: string, edit: () => string): string {
	try {
		return edit();
	} catch (error) {
		if (error instanceof JsonFault) {
			throw new MailboxError(
				'invalid',
				`${file} is not valid JSON: line ${error.line}, ${error.message}. It was not changed.`,
				'Correct that line, then try again.',
			);
		}
		if (error instanceof NotAnObject || error instanceof NotAnArray) {
			const what = error.path === '' ? 'The document' : `\`${error.path}\``;
			throw new MailboxError(
				'invalid',
				`${what} in ${file} is not an ${error instanceof NotAnArray ? 'array' : 'object'}. It was not changed.`,
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
		`${file} cannot be ${what} (${code ?? 'unknown error'}).`,
		'Check its permissions, then try again.',
		{
			cause: error,
		},
	);
}
