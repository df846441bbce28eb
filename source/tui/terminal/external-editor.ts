import {mkdir, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';

/** What came of it: the text, or in a sentence why there is none. */
export type Edited = {readonly text: string} | {readonly failure: string};

export interface EditingOptions {
	readonly env: NodeJS.ProcessEnv;
	/** Where the file lies while it is edited; the system's place for such files when absent. */
	readonly folder: string | null;
	/** Ends the editor. */
	readonly ended: AbortSignal;
}

/**
 * Opens the text in $VISUAL, $EDITOR or vi, which has the terminal meanwhile, and resolves with what was saved: in a file
 * that is this user's alone, in a folder of its own. What an editor had saved that then failed is left there, and said.
 */
export async function editElsewhere(text: string, {env, folder, ended}: EditingOptions): Promise<Edited> {
	const {command, name} = editorIn(env);
	const own = await makeFolder(folder);
	if (own === null) return {failure: 'There is no folder in which the draft could be edited. The draft is as it was.'};
	const file = path.join(own, 'message.md');
	const before = `${text}\n`;
	await writeFile(file, before, {mode: 0o600, flag: 'wx'});
	const failure = await run(command, name, file, env, ended);
	const after = await readText(file);
	// Somebody's work is not thrown away, even where we cannot take it.
	const isLeft = after.text !== before && (failure !== null || after.text === null) && !after.isGone;
	if (!isLeft) await rm(own, {recursive: true, force: true});
	const where = isLeft ? ` What it had saved is in ${file}.` : '';
	if (failure !== null) return {failure: `${failure} The draft is as it was.${where}`};
	if (after.text === null) {
		const why = after.isGone ? 'took the file away' : 'saved what is no UTF-8 text';
		return {failure: `${name} ${why}. The draft is as it was.${where}`};
	}
	return {text: after.text.replaceAll('\r\n', '\n').replace(/\n$/, '').replaceAll('\0', '')};
}

/** The command as a shell reads it, and how it is called in a sentence. */
function editorIn(env: NodeJS.ProcessEnv): {readonly command: string; readonly name: string} {
	for (const variable of ['VISUAL', 'EDITOR']) {
		const command = env[variable]?.trim() ?? '';
		if (command !== '') return {command, name: `$${variable}`};
	}
	return {command: 'vi', name: 'vi'};
}

async function makeFolder(folder: string | null): Promise<string | null> {
	for (const place of [folder, tmpdir()]) {
		if (place === null) continue;
		try {
			await mkdir(place, {recursive: true, mode: 0o700});
			return await mkdtemp(path.join(place, 'edit-'));
		} catch {
			// The next one will do.
		}
	}
	return null;
}

/** Assignments and operators; everything else takes the shell's place, so that ^C and signals reach the editor alone. */
const needsShell = /^[A-Za-z_]\w*=|[;&|<>(){}`]/;

/** Resolves with null once it ended well, or with the sentence that says how it did not. */
function run(
	command: string,
	name: string,
	file: string,
	env: NodeJS.ProcessEnv,
	ended: AbortSignal,
): Promise<string | null> {
	return new Promise(resolve => {
		// The variable may hold arguments and quotes: a shell reads it, as git does.
		const script = needsShell.test(command) ? `${command} "$@"` : `exec ${command} "$@"`;
		// Loaded when it is called for: before the first frame it would cost 2.5 ms.
		const {spawn} = process.getBuiltinModule('node:child_process');
		const child = spawn('/bin/sh', ['-c', script, command, file], {stdio: 'inherit', env});
		const end = () => child.kill('SIGTERM');
		ended.addEventListener('abort', end);
		child.once('error', ({message}) => resolve(`${name} cannot be started: ${message}.`));
		child.once('exit', (code, signal) => {
			ended.removeEventListener('abort', end);
			if (code === 0) resolve(null);
			else if (code === 127) resolve(`There is no editor \`${command}\`: set $VISUAL or $EDITOR to one that is there.`);
			else if (code === 126) resolve(`${name} (${command}) cannot be run.`);
			else resolve(`${name} ended with an error (${signal ?? `exit ${code}`}).`);
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
