import {readdir} from 'node:fs/promises';
import {basename, join} from 'node:path';
import {MailboxError} from '../../mailbox/error.ts';
import {nearest} from '../../mailbox/nearest.ts';
import {isReserved, isTag, sameTag} from '../../mailbox/tag.ts';
import {printableLines} from '../../printable.ts';
import {readText} from './file-edit.ts';
import {maxRoleLength, placeholder, type Recipe, type RecipeAgent} from './recipe.ts';

/** The names of the recipes that lie in a folder. */
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
			'A recipe is a folder with a file recipe.toml.',
		);
	}
	const {summary, agents, ...others} = await parsed(file, text);
	const [unknown] = Object.keys(others);
	if (unknown !== undefined) throw strange(file, `the setting \`${unknown}\``, unknown, ['summary', 'agents']);
	if (typeof summary !== 'string' || summary.trim() === '') throw fault(file, 'has no `summary`, a line of text');
	if (!Array.isArray(agents) || agents.length === 0) throw fault(file, 'has no agent, a table [[agents]]');
	const lines = [...text.matchAll(/^[ \t]*\[\[[ \t]*agents[ \t]*\]\]/gm)].map(({index}) => lineAt(text, index));
	const where = (index: number): string =>
		`the agent ${lines[index] === undefined ? '' : `of line ${lines[index]} `}in ${file}`;
	const read = agents.map((agent: unknown, index) => readAgent(agent, where(index)));
	for (const [index, agent] of read.entries()) checkBeside(agent, read, where(index));
	return {name: basename(folder), folder, summary: summary.trim(), agents: read};
}

const settings = ['tag', 'folder', 'role', 'first', 'guidance'] as const satisfies (keyof RecipeAgent)[];

function readAgent(value: unknown, where: string): RecipeAgent {
	const agent = typeof value === 'object' && value !== null ? (value as {readonly [name: string]: unknown}) : {};
	const unknown = Object.keys(agent).find(name => !settings.some(setting => setting === name));
	if (unknown !== undefined) throw strange(where, `the setting \`${unknown}\``, unknown, settings);
	const textOf = (name: (typeof settings)[number]): string => {
		const text = agent[name];
		if (typeof text !== 'string' || text.trim() === '') throw fault(where, `has no text \`${name}\``);
		return text.trim();
	};
	const [tag, folder, role] = [textOf('tag'), textOf('folder'), textOf('role')];
	if (!isTag(tag) || isReserved(tag)) throw fault(where, `cannot have the tag \`${tag}\``);
	if (!/^[\w-][\w.-]{0,63}$/.test(folder)) {
		throw fault(where, `cannot have the folder \`${folder}\`: it is a name of letters, digits, \`.\`, \`_\` and \`-\``);
	}
	if (role.length > maxRoleLength) throw fault(where, `has a role of more than ${maxRoleLength} characters`);
	// A model reads it as its user's word: nothing in it may be invisible.
	const guidance = printableLines(textOf('guidance')).join('\n');
	// Our own marks would end the section before its end.
	if (guidance.includes('<!-- agentmux:')) throw fault(where, 'has `<!-- agentmux:` in its guidance');
	return {tag, folder, role, first: 'first' in agent ? textOf('first') : null, guidance};
}

/** Tags and folders are different ones, and texts name agents that there are. */
function checkBeside(agent: RecipeAgent, agents: readonly RecipeAgent[], where: string): void {
	for (const other of agents.slice(0, agents.indexOf(agent))) {
		if (sameTag(agent.tag, other.tag)) throw fault(where, `has the tag ${agent.tag} a second time`);
		if (sameTag(agent.folder, other.folder)) throw fault(where, `has the folder \`${agent.folder}\` a second time`);
	}
	const tags = agents.map(({tag}) => tag);
	const named = `${agent.role}\n${agent.first ?? ''}\n${agent.guidance}`.matchAll(placeholder);
	for (const [whole, tag = ''] of named) {
		if (!tags.includes(tag)) throw strange(where, `the agent ${whole}`, tag, tags);
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

function strange(where: string, what: string, word: string, known: readonly string[]): MailboxError {
	const near = nearest(word, known);
	return fault(
		where,
		`names ${what}, which there is not`,
		near === null ? `There are: ${known.join(', ')}.` : `Did you mean ${near}?`,
	);
}

function fault(where: string, what: string, remedy = 'Correct it, then try again.'): MailboxError {
	return new MailboxError('invalid', `${where.charAt(0).toUpperCase()}${where.slice(1)} ${what}.`, remedy);
}

function lineAt(text: string, index: number): number {
	return text.slice(0, index).split('\n').length;
}
