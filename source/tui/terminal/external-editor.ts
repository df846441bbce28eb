import {mkdir, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';

/** The edited text, or a sentence that says why there is none. */
export type Edited = {readonly text: string} | {readonly failure: string};

export interface EditingOptions {
	readonly env: NodeJS.ProcessEnv;
	/** The folder for the file while it is edited; null: the system's folder for temporary files. */
	readonly folder: string | null;
	/** Ends the editor. */
	readonly ended: AbortSignal;
}

/**
 * Opens the text in $VISUAL, $EDITOR or vi, which gets the terminal, and resolves with what was saved. The file is in a new
 * folder that only this user can read. If the editor fails after saving, the file is kept and the sentence names it.
 */
export async function editElsewhere(text: string, {env, folder, ended}: EditingOptions): Promise<Edited> {
	const {command, name} = editorIn(env);
	const own = await makeFolder(folder);
	if (own === null) return {failure: 'Cannot create a temporary folder for the editor. The draft is unchanged.'};
	const file = path.join(own, 'message.md');
	const before = `${text}\n`;
	await writeFile(file, before, {mode: 0o600, flag: 'wx'});
	const failure = await run(command, name, file, env, ended);
	const after = await readText(file);
	// Work that was saved is not deleted, even if we cannot use it.
	const isLeft = after.text !== before && (failure !== null || after.text === null) && !after.isGone;
	if (!isLeft) await rm(own, {recursive: true, force: true});
	const where = isLeft ? ` The saved text is in ${file}.` : '';
	if (failure !== null) return {failure: `${failure} The draft is unchanged.${where}`};
	if (after.text === null) {
		const why = after.isGone ? 'removed the file' : 'saved a file that is not UTF-8';
		return {failure: `${name} ${why}. The draft is unchanged.${where}`};
	}
	return {text: after.text.replaceAll('\r\n', '\n').replace(/\n$/, '').replaceAll('\0', '')};
}

/** The command for the shell, and its name for sentences. */
function editorIn(env: NodeJS.ProcessEnv): {readonly command: string; readonly name: string} {
	for (const variable of ['VISUAL', 'EDITOR']) {
		const command = env[variable]?.trim() ?? '';
		if (command !== '') return {command, name: `$${variable}`};
	}
	return {command: 'vi', name: 'vi'};
}

async function makeFolder(folder: string | null): Promise<string | null> {
	for (const parent of [folder, tmpdir()]) {
		if (parent === null) continue;
		try {
			await mkdir(parent, {recursive: true, mode: 0o700});
			return await mkdtemp(path.join(parent, 'edit-'));
		} catch {
			// Try the next one.
		}
	}
	return null;
}

/** Assignments and operators. Other commands are run with `exec`, so that ^C and signals only reach the editor. */
const needsShell = /^[A-Za-z_]\w*=|[;&|<>(){}`]/;

/** Resolves with null if the editor succeeded, otherwise with a sentence. */
function run(
	command: string,
	name: string,
	file: string,
	env: NodeJS.ProcessEnv,
	ended: AbortSignal,
): Promise<string | null> {
	return new Promise(resolve => {
		// The variable may contain arguments and quotes, so a shell parses it, as git does.
		const script = needsShell.test(command) ? `${command} "$@"` : `exec ${command} "$@"`;
		// Loaded only when needed: before the first frame it would cost 2.5 ms.
		const {spawn} = process.getBuiltinModule('node:child_process');
		const child = spawn('/bin/sh', ['-c', script, command, file], {stdio: 'inherit', env});
		const end = () => child.kill('SIGTERM');
		ended.addEventListener('abort', end);
		child.once('error', ({message}) => resolve(`${name} cannot be started: ${message}.`));
		child.once('exit', (code, signal) => {
			ended.removeEventListener('abort', end);
			if (code === 0) resolve(null);
			else if (code === 127) resolve(`Editor \`${command}\` not found: set $VISUAL or $EDITOR to an installed one.`);
			else if (code === 126) resolve(`${name} (${command}) cannot be run.`);
			else resolve(`${name} failed (${signal ?? `exit ${code}`}).`);
		});
	});
}

async function readText(file: string): Promise<{readonly text: string | null; readonly isGone: boolean}> {
	let bytes: Buffer;
	try {
		bytes = await readFile(file);
	} catch {
		return {text: null, isGone: true};
	}
	try {
		return {text: new TextDecoder('utf-8', {fatal: true}).decode(bytes), isGone: false};
	} catch {
		return {text: null, isGone: false};
	}
}
