import {existsSync, readFileSync, realpathSync} from 'node:fs';
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
	/** All files that join can list for the folder: those in the block of a folder that was moved here are for this one. */
	readonly own?: readonly string[];
}

/**
 * Plans the block of `folder` in an exclude file, which lists the files that join created there. A block that is empty is removed. It
 * stands before everything else, so that removing it leaves every other byte. Blocks of folders that are not in the repository any more
 * lose what is not there, or is this folder's.
 */
export async function planExclude(
	folder: string,
	{root, exclude}: Repository,
	{add = [], remove = [], own = []}: ExcludeChange,
): Promise<Edit> {
	const before = await readText(exclude);
	const patterns = new Set(own.map(file => patternOf(root, file)));
	const blocks = blocksOf(before ?? '');
	const former =
		own.length === 0 ? [] : blocks.filter(block => block.folder !== folder && !isIn(block.folder, exclude));
	const present = (lines: readonly string[]): string[] => lines.filter(line => existsSync(fileOf(root, line)));
	let text = before ?? '';
	for (const block of former) {
		const others = present(block.lines).filter(line => !patterns.has(line));
		text = text.replace(block.text, () => blockText(block.folder, others));
	}
	const moved = former.flatMap(({lines}) => present(lines).filter(line => patterns.has(line)));
	const current = blocks.find(block => block.folder === folder);
	const removed = remove === 'all' ? null : remove.map(file => patternOf(root, file));
	const kept = [...(current?.lines ?? []), ...moved].filter(line => removed?.includes(line) === false);
	const written = blockText(folder, [...new Set([...kept, ...add.map(file => patternOf(root, file))])]);
	const after = current === undefined ? written + text : text.replace(current.text, () => written);
	// Ours was all of it, or there is still no such file.
	const isNothing = after === '' && (blocks.length > 0 || before === null);
	return {file: exclude, before, after: isNothing ? null : after, remarks: []};
}

/** The lines for a folder in an exclude file. */
interface Block {
	readonly folder: string;
	readonly lines: readonly string[];
	/** The text of the line in the file. */
	readonly text: string;
}

const begin = '# agentmux: what ';
const end = '# agentmux: end';

function blockText(folder: string, lines: readonly string[]): string {
	if (lines.length === 0) return '';
	const head = `${begin}\`agentmux join\` created in ${JSON.stringify(folder)}; \`agentmux leave\` removes these lines`;
	return `${head}\n${lines.join('\n')}\n${end}\n`;
}

function blocksOf(text: string): Block[] {
	const all = text.matchAll(
		/^# agentmux: what `agentmux join` created in ("(?:[^"\\\n]|\\.)*"); .*\n((?:(?!# agentmux: ).*\n)*)# agentmux: end\n/gm,
	);
	return [...all].flatMap(([whole, name = '', inner = '']) => {
		try {
			return [{folder: JSON.parse(name) as string, lines: inner.split('\n').filter(line => line !== ''), text: whole}];
		} catch {
			return [];
		}
	});
}

/** Whether a folder, if it is there, is in the repository of this exclude file. */
function isIn(folder: string, exclude: string): boolean {
	if (!existsSync(folder)) return false;
	const there = repositoryOf(folder)?.exclude;
	return there !== undefined && existsSync(there) && realpathSync(there) === realpathSync(exclude);
}

/** The pattern of gitignore(5) that fits only this file. */
function patternOf(root: string, file: string): string {
	return `/${relative(root, file)
		.replaceAll(sep, '/')
		.replaceAll(/[\\*?[\]]/g, String.raw`\$&`)}`;
}

/** The file of such a pattern. */
function fileOf(root: string, pattern: string): string {
	return join(root, pattern.replaceAll(/\\(.)/g, '$1'));
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
	const pathOf = (name: string): string => join(root, name);
	return {tracked: names.filter(name => listed.includes(name)).map(pathOf), ignored: others.map(pathOf)};
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
	const {execFile} = process.getBuiltinModule('node:child_process');
	return new Promise(done => {
		const child = execFile('git', all, {env, timeout: 10_000}, (_, stdout) => done(stdout));
		// A git that is not there, or fails, does not read it.
		child.stdin?.on('error', () => undefined).end(input);
	});
}
