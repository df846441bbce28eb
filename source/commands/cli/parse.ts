import type {AnyFlags} from 'meow';
import {UsageError} from '../../mailbox/error.ts';
import {nearest} from '../../mailbox/text/nearest.ts';

export interface Parsed {
	readonly input: readonly string[];
	readonly flags: {readonly [name: string]: unknown};
}

const helpFlag = {help: {type: 'boolean', shortFlag: 'h'}} as const satisfies AnyFlags;

/**
 * Parses the arguments after a command's name by its flags (and `--help`). Throws UsageError for a flag that is unknown,
 * repeated or lacks its value. meow is loaded only for what is not plain: loading it takes longer than all our own code.
 */
export async function parseArguments(command: string, flags: AnyFlags, argv: readonly string[]): Promise<Parsed> {
	const known: AnyFlags = {...flags, ...helpFlag};
	const plain = parsePlain(known, argv);
	if (plain !== null) return plain;
	const {default: meow} = await import('meow');
	let parsed: Parsed;
	try {
		// meow's own handling of --help, --version and unknown flags writes to the console and exits, so we do it ourselves.
		parsed = meow('', {
			importMeta: import.meta,
			pkg: {name: 'agentmux'},
			argv,
			flags: known,
			autoHelp: false,
			autoVersion: false,
			// Only what was given: `--no-x` is not the same as nothing.
			booleanDefault: undefined,
		});
	} catch (error) {
		throw new UsageError(`${(error as Error).message.replace(/\.$/, '')}.`, seeHelp(command));
	}
	for (const name of Object.keys(parsed.flags)) {
		const flag = known[name];
		if (flag === undefined) throw unknownFlag(command, name, known, argv);
		checkValue(command, name, flag, parsed.flags[name]);
	}
	return parsed;
}

/**
 * The arguments as meow would return them, if each flag is written in full and apart from its value; null for everything else, wrong
 * usage included.
 */
export function parsePlain(known: AnyFlags, argv: readonly string[]): Parsed | null {
	const input: string[] = [];
	const multiple = Object.keys(known).filter(name => known[name]?.isMultiple === true);
	const flags: {[name: string]: true | string | string[]} = Object.fromEntries(multiple.map(name => [name, []]));
	for (let at = 0; at < argv.length; at++) {
		const word = argv[at] ?? '';
		if (word === '-' || !word.startsWith('-')) {
			input.push(word);
			continue;
		}
		const [name, flag] =
			Object.entries(known).find(([name, {shortFlag}]) => word === dashed(name) || word === `-${shortFlag}`) ?? [];
		if (name === undefined || flag === undefined) return null;
		const before = flags[name];
		if (before !== undefined && flag.isMultiple !== true) return null;
		const next = argv[at + 1];
		if (flag.type === 'boolean' && next !== 'true' && next !== 'false') {
			flags[name] = true;
			continue;
		}
		if (flag.type !== 'string' || next === undefined || !isPlainValue(next)) return null;
		flags[name] = flag.isMultiple === true ? [...(Array.isArray(before) ? before : []), next] : next;
		at++;
	}
	return {input, flags};
}

/** Not a flag, and without quotes, which meow would remove. */
function isPlainValue(value: string): boolean {
	return value !== '' && !/^[-'"]/.test(value);
}

function seeHelp(command: string): string {
	return `See \`agentmux ${command === '' ? '' : `${command} `}--help\`.`;
}

function checkValue(command: string, name: string, flag: AnyFlags[string], value: unknown): void {
	const written = dashed(name);
	for (const single of Array.isArray(value) ? value : [value]) {
		if (flag?.type === 'string' && (typeof single !== 'string' || single === '')) {
			throw new UsageError(`The flag ${written} needs a value.`, seeHelp(command));
		}
		if (flag?.type === 'boolean' && typeof single !== 'boolean') {
			throw new UsageError(`The flag ${written} takes no value.`, seeHelp(command));
		}
	}
}

function unknownFlag(command: string, name: string, known: AnyFlags, argv: readonly string[]): UsageError {
	const text = argv.find(word => /^-[^=]*[\s:]/.test(word));
	if (text !== undefined) {
		return new UsageError(
			'Text that starts with a dash is read as a flag.',
			`Put \`--\` before it: agentmux ${command} -- ${JSON.stringify(text)}`,
		);
	}
	const near = name.length === 1 ? null : nearest(name, Object.keys(known));
	return new UsageError(
		`Unknown flag ${dashed(name)}.`,
		near === null ? seeHelp(command) : `Did you mean ${dashed(near)}? ${seeHelp(command)}`,
	);
}

/** A flag as it is typed: `--run-at` for `runAt`. */
export function dashed(name: string): string {
	return name.length === 1 ? `-${name}` : `--${name.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`;
}
