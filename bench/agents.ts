import {execFileSync} from 'node:child_process';
import path from 'node:path';
import {median, ms, quantile, type Figure} from './measure.ts';

/** Where the real client and its scripted model lie; without it there is nothing to measure. */
export const harness = process.env['AGENTMUX_REAL_CLAUDE'] ?? '';

interface Told {
	/** Milliseconds from a ring to the model's request, with a bare shell command as the hook. */
	readonly floor: number[];
	/** Milliseconds from the INSERT to the model's request. */
	readonly idle: number[];
	readonly midTurn: number[];
	/** Characters that the mailbox put into a request. */
	readonly added: {readonly without: number; readonly idle: number; readonly midTurn: number};
}

/** English text and identifiers, as tokenizers of today cut them, roughly. */
const charactersPerToken = 4;

/** What the model of a real Claude Code terminal is told of a message, and when (opt-in: AGENTMUX_REAL_CLAUDE). */
export function insertToModel(): Figure[] {
	const driver = path.resolve(import.meta.dirname, '../test/fixtures/terminals.ts');
	const told = JSON.parse(
		execFileSync(path.join(harness, 'sealed.sh'), [process.execPath, driver, harness, 'figures'], {encoding: 'utf8'}),
	) as Told;
	const {floor, idle, midTurn, added} = told;
	const tokens = (characters: number): string =>
		`${characters} characters, about ${Math.ceil(characters / charactersPerToken)} tokens`;
	const spread = (values: readonly number[]): string =>
		`p50 ${ms(median(values))}, p95 ${ms(quantile(values, 0.95))} (n=${values.length})`;
	return [
		{
			what: 'INSERT to the model of an idle Claude Code terminal',
			measured: `${spread(idle)} = ${(median(idle) / median(floor)).toFixed(2)} × floor`,
			floor: `a file that a bare shell hook watches, changed by hand: ${spread(floor)}`,
			goal: 'none',
			met: null,
		},
		{
			what: 'INSERT to the model in a turn of tools that take 1 s each',
			measured: spread(midTurn),
			floor: 'what is left of the tool: 1 s at most',
			goal: 'none',
			met: null,
		},
		{
			what: 'what the mailbox adds to a prompt when nothing has come',
			measured: tokens(added.without),
			floor: '0',
			goal: '0',
			met: added.without === 0,
		},
		{
			what: 'what one short message adds, between tools and to an idle agent (wake and text)',
			measured: `${tokens(added.midTurn)}; ${tokens(added.idle)}`,
			floor: 'the text itself: 20 characters',
			goal: 'none',
			met: null,
		},
	];
}
