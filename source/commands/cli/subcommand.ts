import {UsageError} from '../../mailbox/error.ts';
import {nearest} from '../../mailbox/nearest.ts';
import type {Invocation} from './command.ts';
import {dashed} from './parse.ts';

/** The flags that each subcommand of a command takes, as the command declares them. */
export type FlagsBySubcommand = {readonly [subcommand: string]: readonly string[]};

/** Throws UsageError for a flag that was given and that this subcommand does not take, but others do. */
export function checkFlags(
	command: string,
	subcommand: string,
	flags: Invocation['flags'],
	taken: FlagsBySubcommand,
): void {
	for (const name of Object.keys(flags).filter(each => isGiven(flags[each]))) {
		const takers = Object.keys(taken).filter(each => taken[each]?.includes(name) === true);
		if (takers.length === 0 || takers.includes(subcommand)) continue;
		const others = takers.map(each => `\`agentmux ${command} ${each}\``);
		throw new UsageError(
			`\`agentmux ${command} ${subcommand}\` does not take ${dashed(name)}.`,
			`It is a flag of ${others.join(', ')}.`,
		);
	}
}

/** A flag that may be given several times is an empty list where it was not, and one without a value is false. */
function isGiven(value: unknown): boolean {
	return value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);
}

export function unknownSubcommand(command: string, word: string, known: readonly string[]): UsageError {
	const near = nearest(word, known);
	const help = `See \`agentmux ${command} --help\`.`;
	return new UsageError(
		`Unknown subcommand \`agentmux ${command} ${word}\`.`,
		near === null ? help : `Did you mean \`agentmux ${command} ${near}\`? ${help}`,
	);
}
