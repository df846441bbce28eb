import {realpath} from 'node:fs/promises';
import {basename, dirname, join, resolve} from 'node:path';
import {packageRoot} from '../../hub/files/package-root.ts';
import {maxCount, membersOf, type Member, type Recipe} from '../../join/files/recipe.ts';
import {readRecipe, recipeNames} from '../../join/files/recipe-file.ts';
import type {Participant} from '../../join/participant.ts';
import {UsageError} from '../../mailbox/error.ts';
import {nearest} from '../../mailbox/text/nearest.ts';
import {sameTag, type Tag} from '../../mailbox/tag.ts';
import type {Invocation} from '../cli/command.ts';
import {agentTag, textFlag} from '../cli/values.ts';

/** The flags by which join and leave select agents. */
export const participantFlags = {
	dir: {type: 'string', isMultiple: true},
	recipe: {type: 'string'},
	count: {type: 'string'},
	tags: {type: 'string'},
} as const;

export interface Chosen {
	/** Null if one agent is given by its tag. */
	readonly recipe: Recipe | null;
	readonly participants: readonly (Participant & Partial<Pick<Member, 'first' | 'client'>>)[];
	/** The real paths of the folders given by --dir: those of the agents, or the one that contains them. */
	readonly named: readonly string[];
	/** Whether the one in `named` contains the agents' folders. */
	readonly contains: boolean;
	/** How many there are of the agent of which a recipe can have several, if that was said. */
	readonly count?: number;
}

/** The agents that a join or leave selects. `verb` is the command. Rejects with UsageError, or as readRecipe does. */
export async function chosenParticipants(
	verb: string,
	{input, flags}: Pick<Invocation, 'input' | 'flags'>,
): Promise<Chosen> {
	const see = `See \`agentmux ${verb} --help\`.`;
	const dirs = (Array.isArray(flags['dir']) ? flags['dir'] : []).map(String);
	const named = await Promise.all((dirs.length === 0 ? ['.'] : dirs).map(realPath));
	const [word, ...more] = input;
	const role = textFlag(flags, 'role');
	const recipe = textFlag(flags, 'recipe');
	if (recipe === undefined) {
		if (more.length > 0) throw new UsageError('Give only one tag.', see);
		if (dirs.length > 1) throw new UsageError('Give only one folder.', see);
		for (const name of ['tags', 'count']) {
			if (flags[name] !== undefined) throw new UsageError(`--${name} requires --recipe.`, see);
		}
		const tag = agentTag(word, `the tag ${verb === 'join' ? 'to join as' : 'that leaves'}`);
		return {recipe: null, participants: [{tag, folder: named[0] ?? '', role}], named, contains: false};
	}
	if (word !== undefined) {
		throw new UsageError(
			`A recipe has its own tags: unexpected argument \`${word}\`.`,
			'Use --tags A,B to change them.',
		);
	}
	if (role !== undefined) throw new UsageError('A recipe has its own roles: --role cannot be used with it.', see);
	const found = await findRecipe(recipe);
	const number = countOf(found, textFlag(flags, 'count'));
	const tags = tagsOf(found, membersOf(found, number), textFlag(flags, 'tags'));
	return recipeParticipants(found, named, membersOf(found, {...number, tags}), number);
}

async function recipeParticipants(
	recipe: Recipe,
	named: readonly string[],
	agents: readonly Member[],
	number: {readonly count?: number},
): Promise<Chosen> {
	const count = agents.length;
	if (named.length !== 1 && named.length !== count) {
		throw new UsageError(
			`${recipe.name} has ${count} agents, but --dir names ${named.length} folders.`,
			'Name one folder that will contain theirs, or one for each.',
		);
	}
	const within = agents.map(({folder}) => join(named[0] ?? '', folder));
	const contains = named.length < count || count === 1;
	const folders = contains ? await Promise.all(within.map(realPath)) : named;
	if (new Set(folders).size < count) {
		throw new UsageError('Two agents cannot use the same folder.', 'Give a different --dir for each.');
	}
	const participants = agents.map(({guidance, ...member}, index) => ({
		...member,
		folder: folders[index] ?? '',
		sql: recipe.sql,
		guidance: `### ${member.tag} in the recipe ${recipe.name}\n\n${guidance}`,
	}));
	return {recipe, participants, named, contains, ...number};
}

/** The arguments that select the same agents again, after `join` or `leave`. */
export function participantArguments({recipe, participants, named, count}: Chosen): string[] {
	if (recipe === null) return participants.map(({tag}) => tag);
	const tags = participants.map(({tag}) => tag);
	const own = membersOf(recipe, count === undefined ? {} : {count}).every(({tag}, index) => tag === tags[index]);
	return [
		'--recipe',
		isOurs(recipe) ? recipe.name : recipe.folder,
		...(count === undefined ? [] : ['--count', String(count)]),
		...named.flatMap(dir => ['--dir', dir]),
		...(own ? [] : ['--tags', tags.join(',')]),
	];
}

const recipesFolder = join(packageRoot, 'recipes');

/** Whether a recipe comes with agentmux. */
export function isOurs({folder, name}: Recipe): boolean {
	return folder === join(recipesFolder, name);
}

/** A recipe that comes with agentmux, by its name, or any other, by its path. */
async function findRecipe(word: string): Promise<Recipe> {
	if (/[\\/]/.test(word)) return readRecipe(resolve(word));
	const names = await recipeNames(recipesFolder);
	if (names.includes(word)) return readRecipe(join(recipesFolder, word));
	const near = nearest(word, names);
	throw new UsageError(
		`Unknown recipe \`${word}\`.`,
		`${near === null ? '' : `Did you mean ${near}? `}Choose from ${names.join(', ')}, or give the path of your own: ./${word}.`,
	);
}

/** The path without symbolic links, as far as it exists. */
async function realPath(folder: string): Promise<string> {
	const path = resolve(folder);
	const above = dirname(path);
	return realpath(path).catch(async () => (above === path ? path : join(await realPath(above), basename(path))));
}

function countOf({name, agents}: Recipe, text: string | undefined): {count?: number} {
	if (text === undefined) return {};
	const which = agents.find(agent => agent.count !== null);
	if (which === undefined) throw new UsageError(`${name} has one of each agent: --count cannot be used with it.`);
	const count = Number(text);
	if (/^\d+$/.test(text) && count >= 1 && count <= maxCount) return {count};
	throw new UsageError(
		`--count ${text} is not a number from 1 to ${maxCount}.`,
		`It says how many of ${which.tag} there are.`,
	);
}

function tagsOf({name}: Recipe, members: readonly Member[], text: string | undefined): Tag[] {
	if (text === undefined) return members.map(({tag}) => tag);
	const tags = text.split(',').map(tag => agentTag(tag.trim(), '--tags'));
	if (tags.length !== members.length) {
		throw new UsageError(
			`${name} has ${members.length} agents, but --tags names ${tags.length}.`,
			`Give one for each of ${members.map(({tag}) => tag).join(',')}.`,
		);
	}
	const twice = tags.find((tag, index) => tags.slice(0, index).some(other => sameTag(tag, other)));
	if (twice !== undefined) throw new UsageError(`--tags names ${twice} twice.`, 'Give each agent a different tag.');
	return tags;
}
