import {existsSync} from 'node:fs';
import {dirname, join} from 'node:path';

/** The folders above, the nearest first. Claude Code also reads .mcp.json and CLAUDE.md in each of them, but no hooks. */
export function foldersAbove(folder: string): string[] {
	const above = dirname(folder);
	return above === folder ? [] : [above, ...foldersAbove(above)];
}

/** Those of them that belong to the git repository of `folder`; its root is the last. None outside of a repository. */
export function foldersAboveInGit(folder: string): string[] {
	const all = [folder, ...foldersAbove(folder)];
	return all.slice(1, all.findIndex(each => existsSync(join(each, '.git'))) + 1);
}
