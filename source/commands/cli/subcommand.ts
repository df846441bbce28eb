import {UsageError} from '../../mailbox/error.ts';
import {nearest} from '../../mailbox/text/nearest.ts';
import type {Invocation} from './command.ts';
import {dashed} from './parse.ts';

/** The flags that only some subcommands of a command accept, by subcommand. */
export type FlagsBySubcommand = {readonly [subcommand: string]: readonly string[]};

/** Throws UsageError if a flag was given that only other subcommands accept. */
export function checkFlags(
	command: string,
	subcommand: string,
	flags: Invocation['flags'],
	accepted: FlagsBySubcommand,
): void {
	for (const name of Object.keys(flags).filter(each => isGiven(flags[each]))) {
		const owners = Object.keys(accepted).filter(each => accepted[each]?.includes(name) === true);
		if (owners.length === 0 || owners.includes(subcommand)) continue;
		const others = owners.map(each => `\`agentmux ${command} ${each}\``);
		throw new UsageError(
			`\`agentmux ${command} ${subcommand}\` does not take ${dashed(name)}.`,
			`It is a flag of ${others.join(', ')}.`,
		);
	}
}

/** A repeatable flag that was not given is an empty list, and a boolean one is false. */
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
