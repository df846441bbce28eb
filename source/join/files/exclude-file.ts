import {execFile} from 'node:child_process';
import {existsSync, readFileSync} from 'node:fs';
import {dirname, join, relative, resolve, sep} from 'node:path';
import {foldersAbove} from '../clients/above.ts';
import {readText, type Edit} from './file-edit.ts';

/*
 * What join writes is for one machine, so git should not offer it to the team. `.git/info/exclude` says so without a change of a
 * file that is in the repository, and unlike a .gitignore it needs no commit. `git stash -u` and `git clean` leave such files alone.
 */

/** A git repository, or one of its worktrees. */
interface Repository {
	readonly root: string;
	/** `info/exclude` of the repository; the worktrees of one share it. */
	readonly exclude: string;
}

/** The repository or worktree that the folder is in; null if there is none. */
export function repositoryOf(folder: string): Repository | null {
	const root = [folder, ...foldersAbove(folder)].find(each => existsSync(join(each, '.git')));
	if (root === undefined) return null;
	const git = gitFolder(join(root, '.git'));
	const common = lineOf(join(git, 'commondir'));
	const shared = common === null ? git : resolve(git, common);
	return existsSync(shared) ? {root, exclude: join(shared, 'info', 'exclude')} : null;
}

/** In worktrees and submodules, `.git` is a file that names the folder. */
function gitFolder(path: string): string {
	const [, named] = /^gitdir: (.+)$/.exec(lineOf(path) ?? '') ?? [];
	return named === undefined ? path : resolve(dirname(path), named);
}

/** The first line of a file; null if it is not a file. */
function lineOf(path: string): string | null {
	try {
		return readFileSync(path, 'utf8').split(/\r?\n/, 1)[0] ?? null;
	} catch {
		return null;
	}
}

/** Whether a path recorded by join is such a file. */
export function isExcludeFile(path: string): boolean {
	return path.endsWith(join(sep, 'info', 'exclude'));
}

interface ExcludeChange {
	/** Files to list, absolute. */
	readonly add?: readonly string[];
	/** Files to list no longer; `all` if the folder is gone. */
	readonly remove?: readonly string[] | 'all';
}

/**
 * Plans the block of `folder` in an exclude file, which lists the files that join created there. A block that is empty is removed. It
 * stands before everything else, so that removing it leaves every other byte.
 */
export async function planExclude(
	folder: string,
	{root, exclude}: Repository,
	{add = [], remove = []}: ExcludeChange,
): Promise<Edit> {
	const before = await readText(exclude);
	const text = before ?? '';
	const [block = '', inner = ''] = blockOf(folder).exec(text) ?? [];
	const removed = remove === 'all' ? null : remove.map(file => patternOf(root, file));
	const kept = inner.split('\n').filter(line => line !== '' && removed?.includes(line) === false);
	const lines = [...new Set([...kept, ...add.map(file => patternOf(root, file))])];
	const written = lines.length === 0 ? '' : `${headOf(folder)}\n${lines.join('\n')}\n${end}\n`;
	const after = block === '' ? written + text : text.replace(block, () => written);
	// Ours was all of it, or there is still no such file.
	const isNothing = after === '' && (block !== '' || before === null);
	return {file: exclude, before, after: isNothing ? null : after, remarks: []};
}

const begin = '# agentmux: what ';
const end = '# agentmux: end';

function headOf(folder: string): string {
	return `${begin}\`agentmux join\` created in ${JSON.stringify(folder)}; \`agentmux leave\` removes these lines`;
}

function blockOf(folder: string): RegExp {
	const head = headOf(folder).replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
	return new RegExp(`^${head}\\n([^]*?)^${end}\\n`, 'm');
}

/** The pattern of gitignore(5) that fits only this file. */
function patternOf(root: string, file: string): string {
	return `/${relative(root, file)
		.replaceAll(sep, '/')
		.replaceAll(/[\\*?[\]]/g, String.raw`\$&`)}`;
}

/** How git treats files of a repository. */
export interface GitView {
	readonly tracked: readonly string[];
	/** Without those that only join has listed, for this folder or another. */
	readonly ignored: readonly string[];
}

/** Asks git about files (absolute); if there is no git to ask, nothing is tracked or ignored. */
export async function askGit({root, exclude}: Repository, files: readonly string[]): Promise<GitView> {
	const names = files.map(file => relative(root, file));
	const [tracked, ignored] = await Promise.all([
		git(root, ['ls-files', '-z', '--', ...names.map(name => `:(literal)${name}`)]),
		git(root, ['check-ignore', '-v', '-z', '--stdin'], names.join('\0')),
	]);
	const ours = await linesOfBlocks(exclude);
	const isOurs = (source: string, line: string): boolean =>
		resolve(root, source) === exclude && ours.includes(Number(line));
	// For each: the file with the pattern, its line, the pattern, the name.
	const fields = ignored.split('\0');
	const others = names.filter(name => {
		const at = fields.findIndex((field, index) => index % 4 === 3 && field === name);
		return at !== -1 && !isOurs(fields[at - 3] ?? '', fields[at - 2] ?? '');
	});
	const listed = tracked.split('\0');
	const fileOf = (name: string): string => join(root, name);
	return {tracked: names.filter(name => listed.includes(name)).map(fileOf), ignored: others.map(fileOf)};
}

/** The numbers of the lines that join wrote, from 1. */
async function linesOfBlocks(exclude: string): Promise<number[]> {
	const lines = ((await readText(exclude)) ?? '').split('\n');
	let inside = false;
	return lines.flatMap((line, index) => {
		if (line.startsWith(begin)) inside = true;
		if (line === end) inside = false;
		return inside ? [index + 1] : [];
	});
}

/** What git prints; empty if it fails. Runs no program that the repository's own configuration names. */
function git(root: string, words: readonly string[], input = ''): Promise<string> {
	const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_')));
	const all = ['-c', 'core.fsmonitor=false', '-C', root, ...words];
	return new Promise(done => {
		const child = execFile('git', all, {env, timeout: 10_000}, (_, stdout) => done(stdout));
		// A git that is not there, or fails, does not read it.
		child.stdin?.on('error', () => undefined).end(input);
	});
}
