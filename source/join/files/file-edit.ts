import {randomUUID} from 'node:crypto';
import {
	access,
	chmod,
	constants,
	mkdir,
	readFile,
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

/** Folders that clients have for themselves in a project. */
const ownFolders = new Set(['.claude', '.codex', '.gemini']);

/** What a file becomes; null: there is none. Nothing is written until `apply`. */
export interface Edit {
	readonly file: string;
	readonly before: string | null;
	readonly after: string | null;
	/** Of a file that is made; the system's usual one when absent. */
	readonly mode?: number;
	/** What a person should know about it; one sentence each. */
	readonly remarks: readonly string[];
}

/** Rejects with MailboxError `file` when one of them would change a file, or a folder, that is marked as not to be written. */
export async function checkWritable(edits: readonly Edit[]): Promise<void> {
	for (const {file, before, after} of edits) {
		if (before === after) continue;
		const touched = before === null ? await nearestFolder(dirname(file)) : file;
		// The mark binds root, too: whoever set it meant it.
		const marked = ((await stat(touched)).mode & 0o222) === 0;
		if (!marked && (before !== null || (await isWritable(touched)))) continue;
		throw new MailboxError(
			'file',
			`${touched} is read-only; it was left as it is.`,
			`Allow writing (chmod u+w), then try again.`,
		);
	}
}

async function isWritable(folder: string): Promise<boolean> {
	return access(folder, constants.W_OK).then(
		() => true,
		() => false,
	);
}

/** The folder itself, or what it will lie in. */
async function nearestFolder(folder: string): Promise<string> {
	const found = await stat(folder).catch(() => null);
	return found === null && dirname(folder) !== folder ? nearestFolder(dirname(folder)) : folder;
}

/** Writes all of them, or none: when one fails, those before it are put back. Rejects with MailboxError. */
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

/** Writes the whole file or nothing of it: a temporary file beside it takes its place. Symbolic links are kept. */
export async function apply({file, before, after, mode}: Edit): Promise<void> {
	if (before === after) return;
	try {
		if (after === null) {
			await rm(file);
			// Its folder goes with it when nothing else is there; a project's own folder never does.
			if (ownFolders.has(basename(dirname(file)))) await rmdir(dirname(file)).catch(() => undefined);
			return;
		}
		await mkdir(dirname(file), {recursive: true, ...(mode === undefined ? {} : {mode: 0o700})});
		const target = before === null ? file : await realpath(file);
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

/** What becomes of a file of JSON that held nothing but what was taken out: no file. */
export function orNothing(before: string, after: string): string | null {
	return after !== before && after.trim() === '{}' ? null : after;
}

/** The file as it is. Rejects as readText does. */
export async function unedited(file: string): Promise<Edit> {
	const before = await readText(file);
	return {file, before, after: before, remarks: []};
}

/** Null when there is no such file. Rejects with MailboxError for one that cannot be read, or is no UTF-8. */
export async function readText(file: string): Promise<string | null> {
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

/** What `edit` makes of a JSON text; its faults become sentences that name the file and the line. */
export function editing(file: string, edit: () => string): string {
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
		if (error instanceof NotAnObject || error instanceof NotAnArray) {
			const what = error.path === '' ? 'The document' : `\`${error.path}\``;
			throw new MailboxError(
				'invalid',
				`${what} in ${file} is not an ${error instanceof NotAnArray ? 'array' : 'object'}; it was left as it is.`,
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
		'Check its permissions, then try again.',
		{
			cause: error,
		},
	);
}
