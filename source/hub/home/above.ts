import {realpathSync} from 'node:fs';
import {dirname} from 'node:path';

/** The parent folders of a path, nearest first, and those of its real path where there are links. */
export function above(path: string): string[] {
	return [...new Set([...parents(path), ...parents(real(path))])];
}

function parents(path: string): string[] {
	const parent = dirname(path);
	return parent === path ? [] : [parent, ...parents(parent)];
}

/** Works for a path that does not exist yet. */
function real(path: string): string {
	try {
		return realpathSync(path);
	} catch {
		const parent = dirname(path);
		return parent === path ? path : `${real(parent)}/${path.slice(parent.length)}`;
	}
}
