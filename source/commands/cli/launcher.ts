import {chmodSync, existsSync, realpathSync, renameSync} from 'node:fs';
import {join} from 'node:path';
import {packageRoot} from '../../hub/files/package-root.ts';
import {version} from '../../hub/files/version.ts';
import {makeFolder, readOwnFile, writeBeside} from '../../hub/files/whole-file.ts';
import type {Launcher} from '../../join/clients/entries.ts';
import {joinedTags} from '../../join/files/credentials-file.ts';
import type {Edit} from '../../join/files/file-edit.ts';
import {launcherFiles} from '../../join/launchers.ts';
import type {Paths} from '../../paths.ts';
import {calledAs} from './called.ts';

/*
 * Files of joined folders never name a program of one version: an npx cache, a pnpm store or a versioned Node is gone one day, and
 * with it every hook. They name two small scripts in our data folder, which each start of a newer agentmux rewrites.
 */

/** How a client starts this program: the script in the data folder. It sets AGENTMUX_HOME itself. */
export function findLauncher({data, home}: Paths): Launcher {
	// A client on Windows cannot start a shell script.
	if (process.platform === 'win32') {
		return {
			command: process.execPath,
			args: [programFile()],
			...(home === null ? {} : {env: {AGENTMUX_HOME: home}}),
		};
	}
	return {command: launcherFiles(data).program, args: []};
}

/**
 * The shell command that starts the hook, without its arguments. It goes past `agentmux hook`, which would take a third longer, and
 * says nothing if the script is gone: the client would show that at every step.
 */
export function findHook({data}: Paths): string {
	if (process.platform === 'win32') return [process.execPath, hookFile].map(shellWord).join(' ');
	const script = shellWord(launcherFiles(data).hook);
	return `test ! -x ${script} || ${script}`;
}

interface ScriptEdit extends Edit {
	readonly after: string;
}

/** The edits that make the scripts start this program. */
export function planLaunchers(paths: Paths): ScriptEdit[] {
	if (process.platform === 'win32') return [];
	const files = launcherFiles(paths.data);
	return [
		{file: files.program, after: scriptOf(paths, programFile(), complain, quickStatusline)},
		{file: files.hook, after: scriptOf(paths, hookFile, 'exit 0')},
	].map(({file, after}) => ({file, before: textOf(file), after, mode: 0o700, remarks: []}));
}

/**
 * Makes the scripts start this program if they start an older version or something that is gone, and if an agent has joined and they
 * are missing. Called at each start, and by agents' servers; a failure does not matter, because the next one tries again.
 */
export function refreshLaunchers(paths: Paths): void {
	try {
		const stale = planLaunchers(paths).filter(({before, after}) => before !== after && isStale(before));
		if (stale.length === 0) return;
		if (stale.every(({before}) => before === null) && joinedTags(paths.data).length === 0) return;
		makeFolder(join(paths.data, 'bin'));
		for (const {file, after, mode} of stale) {
			const written = writeBeside(file, after, {sync: false});
			chmodSync(written, mode ?? 0o700);
			renameSync(written, file);
		}
	} catch {
		// A full or read-only disk must not keep a command from running. A server may also have outlived its program's files.
	}
}

/** Whether a script has to be rewritten: it is missing, older than this program, or starts something that is gone. */
function isStale(script: string | null): boolean {
	const [, written = '', node = '', program = ''] = /^# agentmux (\S+)\n# (.+)\n# (.+)$/m.exec(script ?? '') ?? [];
	return !existsSync(pathIn(node)) || !existsSync(pathIn(program)) || isOlder(written, version);
}

/** A path in a comment of a script: JSON, because a line break would end the comment. Earlier versions wrote it as it is. */
function pathIn(comment: string): string {
	if (!comment.startsWith('"')) return comment;
	try {
		return String(JSON.parse(comment));
	} catch {
		return '';
	}
}

/** Whether the version `one` comes before `other`: their numbers decide. */
export function isOlder(one: string, other: string): boolean {
	const [left, right] = [one, other].map(text => text.split(/[.-]/).map(part => Number.parseInt(part, 10) || 0));
	for (const [index, number] of (right ?? []).entries()) {
		const difference = (left?.[index] ?? 0) - number;
		if (difference !== 0) return difference < 0;
	}
	return false;
}

const hookFile = join(packageRoot, 'dist', 'hook.cjs');
const complain = "{ echo 'agentmux is no longer where it was. Start it once from where it is now.' >&2; exit 1; }";

const statuslineFile = join(packageRoot, 'dist', 'statusline.cjs');
/** The status line is printed at each change of a client's screen, and goes past the command line. */
const quickStatusline = `[ "$*" != statusline ] || exec ${shellWord(process.execPath)} ${shellWord(statuslineFile)}\n`;

/** A shell script that does `first` and starts `file` with this Node, or else does `otherwise`. `isStale` reads its comments. */
function scriptOf({home}: Paths, file: string, otherwise: string, first = ''): string {
	const [node, program] = [process.execPath, file].map(shellWord);
	return `#!/bin/sh
# agentmux ${version}
# ${JSON.stringify(process.execPath)}
# ${JSON.stringify(file)}
[ -x ${node} ] && [ -f ${program} ] || ${otherwise}
${placesOf(home)}${first}exec ${node} ${program} "$@"
`;
}

/**
 * The lines that make what a client starts find this home: Codex passes none of these variables on, and a terminal that was opened
 * elsewhere may not have them.
 */
function placesOf(home: string | null): string {
	const places =
		home === null
			? ['XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_STATE_HOME'].map(name => [name, process.env[name] ?? ''] as const)
			: [['AGENTMUX_HOME', home] as const];
	return places.map(([name, path]) => (path === '' ? '' : `export ${name}=${shellWord(path)}\n`)).join('');
}

/** This program's own file, wherever a link to it lies. */
function programFile(): string {
	return realpathSync(process.argv[1] ?? '');
}

function textOf(file: string): string | null {
	try {
		return readOwnFile(file);
	} catch {
		return null;
	}
}

/** Quoted so that a shell reads it as one word. */
export function shellWord(text: string): string {
	return /^[\w@%+=:,./~-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** How a person starts this program again from any folder: outside of ours, npx would fetch another project's package of that name. */
export function calledAnywhere(env: NodeJS.ProcessEnv, {data}: Pick<Paths, 'data'>): string {
	const {program} = launcherFiles(data);
	const name = calledAs(env);
	return name === 'agentmux' || !existsSync(program) ? name : shellWord(program);
}
