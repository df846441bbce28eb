import type {AnyFlags} from 'meow';
import {UsageError} from '../../mailbox/error.ts';
import {nearest} from '../../mailbox/nearest.ts';

export interface Parsed {
	readonly input: readonly string[];
	readonly flags: {readonly [name: string]: unknown};
}

const helpFlag = {help: {type: 'boolean', shortFlag: 'h'}} as const satisfies AnyFlags;

/**
 * Parses the arguments after a command's name by its flags (and `--help`). Throws UsageError for a flag that is unknown,
 * repeated or lacks its value. meow is loaded only if there is something to parse: loading it takes longer than all our own code.
 */
export async function parseArguments(command: string, flags: AnyFlags, argv: readonly string[]): Promise<Parsed> {
	if (argv.length === 0) return {input: [], flags: {}};
	const {default: meow} = await import('meow');
	const known: AnyFlags = {...flags, ...helpFlag};
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
