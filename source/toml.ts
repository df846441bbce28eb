import {parse, TomlError, type TomlTable} from 'smol-toml';

/** Not TOML. `message` is `line N, REASON`, without the line itself: a password may stand in it. */
export class TomlFault extends Error {
	override readonly name = 'TomlFault';
}

/** Throws TomlFault. */
export function parseToml(text: string): TomlTable {
	try {
		return parse(text);
	} catch (error) {
		if (!(error instanceof TomlError)) throw error;
		const [reason = ''] = error.message.replace(/^Invalid TOML document: /, '').split('\n');
		throw new TomlFault(`line ${error.line}, ${reason}`);
	}
}
