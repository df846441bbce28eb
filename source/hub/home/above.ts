import {realpathSync} from 'node:fs';
import {dirname} from 'node:path';

/** The folders in which a path lies, from the next one up: by its name, and, where links lead elsewhere, by where it really is. */
export function above(path: string): string[] {
	return [...new Set([...parents(path), ...parents(real(path))])];
}

function parents(path: string): string[] {
	const parent = dirname(path);
	return parent === path ? [] : [parent, ...parents(parent)];
}

/** Of what is not there yet: where it would be. */
function real(path: string): string {
	try {
		return realpathSync(path);
	} catch {
		const parent = dirname(path);
		return parent === path ? path : `${real(parent)}/${path.slice(parent.length)}`;
	}
}
