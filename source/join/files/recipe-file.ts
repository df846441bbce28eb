import {readdir} from 'node:fs/promises';
import {basename, join} from 'node:path';
import {MailboxError} from '../../mailbox/error.ts';
import {nearest} from '../../mailbox/text/nearest.ts';
import {isReserved, isTag, sameTag} from '../../mailbox/tag.ts';
import {printableLines} from '../../printable.ts';
import {readText} from './file-edit.ts';
import {clients} from '../clients/clients.ts';
import {maxCount, maxRoleLength, placeholder, type Recipe, type RecipeAgent} from './recipe.ts';

/** The names of the recipes in a folder. */
export async function recipeNames(root: string): Promise<string[]> {
	const entries = await readdir(root, {withFileTypes: true});
	return entries
		.filter(entry => entry.isDirectory())
		.map(({name}) => name)
		.sort();
}

/** Reads the recipe.toml in a folder. Rejects with MailboxError: `not_found`, or `invalid` with the file and the line. */
export async function readRecipe(folder: string): Promise<Recipe> {
	const file = join(folder, 'recipe.toml');
	const text = await readText(file);
	if (text === null) {
		throw new MailboxError(
			'not_found',
			`There is no recipe in ${folder}.`,
			'A recipe is a folder that contains recipe.toml.',
		);
	}
	const {summary, sql = true, agents, ...others} = await parsed(file, text);
	const [unknown] = Object.keys(others);
	if (unknown !== undefined)
		throw unknownName(file, `the setting \`${unknown}\``, unknown, ['summary', 'sql', 'agents']);
	if (typeof summary !== 'string' || summary.trim() === '') throw fault(file, 'has no `summary`');
	if (typeof sql !== 'boolean') throw fault(file, 'has a `sql` that is neither true nor false');
	if (!Array.isArray(agents) || agents.length === 0) throw fault(file, 'has no [[agents]] table');
	const lines = [...text.matchAll(/^[ \t]*\[\[[ \t]*agents[ \t]*\]\]/gm)].map(({index}) => lineAt(text, index));
	const where = (index: number): string =>
		`the agent ${lines[index] === undefined ? '' : `in line ${lines[index]} `}of ${file}`;
	const read = agents.map((agent: unknown, index) => readAgent(agent, where(index)));
	for (const [index, agent] of read.entries()) checkAgainst(agent, read, where(index));
	return {name: basename(folder), folder, summary: summary.trim(), sql, agents: read};
}

const settings = [
	'tag',
	'folder',
	'role',
	'client',
	'count',
	'first',
	'guidance',
] as const satisfies (keyof RecipeAgent)[];

function readAgent(value: unknown, where: string): RecipeAgent {
	const agent = typeof value === 'object' && value !== null ? (value as {readonly [name: string]: unknown}) : {};
	const unknown = Object.keys(agent).find(name => !settings.some(setting => setting === name));
	if (unknown !== undefined) throw unknownName(where, `the setting \`${unknown}\``, unknown, settings);
	const textOf = (name: (typeof settings)[number]): string => {
		const text = agent[name];
		if (typeof text !== 'string' || text.trim() === '') throw fault(where, `has no text \`${name}\``);
		return text.trim();
	};
	const [tag, folder, role] = [textOf('tag'), textOf('folder'), textOf('role')];
	if (!isTag(tag) || isReserved(tag)) throw fault(where, `cannot have the tag \`${tag}\``);
	if (!/^[\w-][\w.-]{0,63}$/.test(folder)) {
		throw fault(where, `cannot have the folder \`${folder}\`: use only letters, digits, \`.\`, \`_\` and \`-\``);
	}
	if (role.length > maxRoleLength) throw fault(where, `has a role of more than ${maxRoleLength} characters`);
	// A model obeys this text as its user's, so nothing in it may be invisible.
	const guidance = printableLines(textOf('guidance')).join('\n');
	// Our own markers would end the section early.
	if (guidance.includes('<!-- agentmux:')) throw fault(where, 'has `<!-- agentmux:` in its guidance');
	const {count = null} = agent;
	if (count !== null && !isCount(count)) throw fault(where, `has a count that is not a number from 1 to ${maxCount}`);
	const id = 'client' in agent ? textOf('client') : null;
	const client = clients.find(each => each.id === id)?.id ?? null;
	if (id !== null && client === null) {
		throw unknownName(
			where,
			`the client \`${id}\``,
			id,
			clients.map(each => each.id),
		);
	}
	return {tag, folder, role, client, count, first: 'first' in agent ? textOf('first') : null, guidance};
}

function isCount(value: unknown): value is number {
	return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= maxCount;
}

/** Checks that tags and folders are unique, and that texts name only existing agents. */
function checkAgainst(agent: RecipeAgent, agents: readonly RecipeAgent[], where: string): void {
	for (const other of agents.slice(0, agents.indexOf(agent))) {
		if (sameTag(agent.tag, other.tag)) throw fault(where, `has the same tag as another, ${agent.tag}`);
		if (sameTag(agent.folder, other.folder)) throw fault(where, `has the same folder as another, \`${agent.folder}\``);
	}
	const tags = agents.map(({tag}) => tag);
	const named = `${agent.role}\n${agent.first ?? ''}\n${agent.guidance}`.matchAll(placeholder);
	for (const [whole, tag = ''] of named) {
		if (!tags.includes(tag)) throw unknownName(where, `the agent ${whole}`, tag, tags);
	}
}

async function parsed(file: string, text: string): Promise<{readonly [name: string]: unknown}> {
	const {parseToml, TomlFault} = await import('../../toml.ts');
	try {
		return parseToml(text);
	} catch (error) {
		throw error instanceof TomlFault ? fault(file, `is not valid TOML: ${error.message}`) : error;
	}
}

function unknownName(where: string, what: string, word: string, known: readonly string[]): MailboxError {
	const near = nearest(word, known);
	return fault(
		where,
		`names ${what}, which does not exist`,
		near === null ? `Choose from ${known.join(', ')}.` : `Did you mean ${near}?`,
	);
}

function fault(where: string, what: string, remedy = 'Correct it, then try again.'): MailboxError {
	return new MailboxError('invalid', `${where.charAt(0).toUpperCase()}${where.slice(1)} ${what}.`, remedy);
}

function lineAt(text: string, index: number): number {
	return text.slice(0, index).split('\n').length;
}
