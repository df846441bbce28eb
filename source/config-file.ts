import {readFileSync} from 'node:fs';
import {MailboxError} from './mailbox/error.ts';

/** What config.toml holds. */
export interface ConfigFile {
	readonly path: string;
	/** By dotted name (`supabase.url`): texts, numbers, true or false, dates and lists. */
	readonly values: ReadonlyMap<string, unknown>;
	/** Where a setting stands, as a human finds it: `/home/me/.config/agentmux/config.toml line 3`. */
	readonly placeOf: (name: string) => string;
}

/** Reads config.toml; no file is one with nothing in it. Rejects with MailboxError `file` or `invalid` (no TOML). */
export async function readConfigFile(path: string): Promise<ConfigFile> {
	const text = readText(path);
	if (text === null) return {path, values: new Map(), placeOf: () => path};
	const {parseToml, TomlFault} = await import('./toml.ts');
	const valuesOf = (toml: string) => new Map(flatten(parseToml(toml)));
	try {
		const values = valuesOf(text);
		let lines: ReadonlyMap<string, number> | undefined;
		return {
			path,
			values,
			placeOf(name) {
				lines ??= linesOf(text, valuesOf);
				const line = lines.get(name);
				return line === undefined ? path : `${path} line ${line}`;
			},
		};
	} catch (error) {
		if (!(error instanceof TomlFault)) throw error;
		throw new MailboxError(
			'invalid',
			`The config file ${path} is not valid TOML: ${error.message}.`,
			'Correct that line, or remove the file.',
		);
	}
}

/** node:fs/promises would be loaded for this alone. */
function readText(path: string): string | null {
	try {
		return readFileSync(path, 'utf8');
	} catch (error) {
		const {code} = error as NodeJS.ErrnoException;
		if (code === 'ENOENT' || code === 'ENOTDIR') return null;
		throw new MailboxError(
			'file',
			`The config file ${path} cannot be read (${code ?? 'unknown fault'}).`,
			'Make it a file that you may read, or remove it.',
			{cause: error},
		);
	}
}

/** Nobody writes more by hand, and each line costs a look at all that are above it. */
const maxLines = 2000;

/**
 * The line, from 1, at which each setting begins. The parser does not say, so it is given the file's first line, its first
 * two, and so on: a setting begins below the last line at which the text was whole and did not have it.
 */
function linesOf(text: string, valuesOf: (toml: string) => ReadonlyMap<string, unknown>): ReadonlyMap<string, number> {
	const found = new Map<string, number>();
	const all = text.split('\n').slice(0, maxLines);
	let begin = 1;
	for (let count = 1; count <= all.length; count++) {
		let names;
		try {
			names = valuesOf(all.slice(0, count).join('\n')).keys();
		} catch {
			// A value of several lines that is not at its end.
			continue;
		}
		for (const name of names) if (!found.has(name)) found.set(name, begin);
		begin = count + 1;
	}
	return found;
}

/** Arrays and dates are values, as texts are. */
function* flatten(table: {readonly [name: string]: unknown}, prefix = ''): Generator<[name: string, value: unknown]> {
	for (const [name, value] of Object.entries(table)) {
		if (typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)) {
			yield* flatten(value as {readonly [name: string]: unknown}, `${prefix}${name}.`);
		} else {
			yield [`${prefix}${name}`, value];
		}
	}
}
