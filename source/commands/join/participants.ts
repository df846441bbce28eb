import {realpath} from 'node:fs/promises';
import {join, resolve} from 'node:path';
import {packageRoot} from '../../hub/files/package-root.ts';
import {withTags, type Recipe} from '../../join/files/recipe.ts';
import {readRecipe, recipeNames} from '../../join/files/recipe-file.ts';
import type {Participant} from '../../join/participant.ts';
import {UsageError} from '../../mailbox/error.ts';
import {nearest} from '../../mailbox/nearest.ts';
import {sameTag, type Tag} from '../../mailbox/tag.ts';
import type {Invocation} from '../cli/command.ts';
import {agentTag, textFlag} from '../cli/values.ts';

/** The flags by which join and leave select agents. */
export const participantFlags = {
	dir: {type: 'string', isMultiple: true},
	recipe: {type: 'string'},
	tags: {type: 'string'},
} as const;

export interface Chosen {
	/** Null if one agent is given by its tag. */
	readonly recipe: Recipe | null;
	readonly participants: readonly (Participant & {readonly first?: string | null})[];
	/** The real paths of the folders given by --dir: those of the agents, or the one that contains them. */
	readonly named: readonly string[];
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
		if (flags['tags'] !== undefined) throw new UsageError('--tags requires --recipe.', see);
		const tag = agentTag(word, `the tag ${verb === 'join' ? 'to join as' : 'that leaves'}`);
		return {recipe: null, participants: [{tag, folder: named[0] ?? '', role}], named};
	}
	if (word !== undefined) {
		throw new UsageError(
			`A recipe has its own tags: unexpected argument \`${word}\`.`,
			'Use --tags A,B to change them.',
		);
	}
	if (role !== undefined) throw new UsageError('A recipe has its own roles: --role cannot be used with it.', see);
	return recipeParticipants(await findRecipe(recipe), named, textFlag(flags, 'tags'));
}

async function recipeParticipants(recipe: Recipe, named: readonly string[], tags: string | undefined): Promise<Chosen> {
	const count = recipe.agents.length;
	if (named.length !== 1 && named.length !== count) {
		throw new UsageError(
			`${recipe.name} has ${count} agents, but --dir names ${named.length} folders.`,
			'Name one folder that will contain theirs, or one for each.',
		);
	}
	const agents = withTags(recipe, tagsOf(recipe, tags));
	const within = agents.map(({folder}) => join(named[0] ?? '', folder));
	const folders = named.length === count && count > 1 ? named : await Promise.all(within.map(realPath));
	if (new Set(folders).size < count) {
		throw new UsageError('Two agents cannot use the same folder.', 'Give a different --dir for each.');
	}
	const participants = agents.map(({tag, role, first, guidance}, index) => ({
		tag,
		folder: folders[index] ?? '',
		role,
		first,
		sql: recipe.sql,
		guidance: `### ${tag} in the recipe ${recipe.name}\n\n${guidance}`,
	}));
	return {recipe, participants, named};
}

/** The arguments that select the same agents again, after `join` or `leave`. */
export function participantArguments({recipe, participants, named}: Chosen): string[] {
	if (recipe === null) return participants.map(({tag}) => tag);
	const tags = participants.map(({tag}) => tag);
	const own = recipe.agents.every(({tag}, index) => tag === tags[index]);
	return [
		'--recipe',
		isOurs(recipe) ? recipe.name : recipe.folder,
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

/** The path without symbolic links; if the folder does not exist, the path as given. */
async function realPath(folder: string): Promise<string> {
	const path = resolve(folder);
	return realpath(path).catch(() => path);
}

function tagsOf({name, agents}: Recipe, text: string | undefined): Tag[] {
	if (text === undefined) return agents.map(({tag}) => tag);
	const tags = text.split(',').map(tag => agentTag(tag.trim(), '--tags'));
	if (tags.length !== agents.length) {
		throw new UsageError(
			`${name} has ${agents.length} agents, but --tags names ${tags.length}.`,
			`Give one for each of ${agents.map(({tag}) => tag).join(',')}.`,
		);
	}
	const twice = tags.find((tag, index) => tags.slice(0, index).some(other => sameTag(tag, other)));
	if (twice !== undefined) throw new UsageError(`--tags names ${twice} twice.`, 'Give each agent a different tag.');
	return tags;
}
