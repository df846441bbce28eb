import {joinPrintable, printableLines, type Printable} from '../../printable.ts';
import type {Command} from './command.ts';

type Groups = {readonly [title: string]: {readonly [name: string]: () => Promise<{default: Command}>}};

const head = `agentmux: a terminal monitor and mailbox for Claude terminals that work together

  Agents leave each other messages in a table; you watch every channel live and can join in.

Usage
  agentmux                     open the screen (starts the local hub if none is running)
  agentmux COMMAND [...]       see \`agentmux COMMAND --help\`
`;

const tail = `
Examples
  agentmux run CLAUDE_1 --dir ~/project      join that folder, and start Claude Code there
  agentmux send --to CLAUDE_1 "run the tests, please"
  agentmux tail --follow
  agentmux inbox --as CLAUDE_1 --wait 60

Environment
  AGENTMUX_TAG                 your tag (default HUMAN); in an agent's program or a joined folder,
                               every command except the screen acts as that agent
  AGENTMUX_HOME                one folder for all files of agentmux
  SUPABASE_URL, SUPABASE_SECRET_KEY
                               a Supabase project to use instead of the local hub
`;

/** The text of `agentmux --help`. */
export async function overview(groups: Groups): Promise<Printable> {
	const lists = await Promise.all(
		Object.entries(groups).map(async ([title, group]) => {
			const lines = await Promise.all(
				Object.entries(group).map(async ([name, load]) => `  ${name.padEnd(10)} ${(await load()).default.summary}\n`),
			);
			return `\n${title}\n${lines.join('')}`;
		}),
	);
	return joinPrintable(printableLines(`${head}${lists.join('')}${tail}`), '\n');
}
