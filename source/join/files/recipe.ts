import type {Tag} from '../../mailbox/tag.ts';

/** A group of agents that `join --recipe` sets up to work together. It is read from a folder such as `recipes/NAME`. */
export interface Recipe {
	/** The folder's name. */
	readonly name: string;
	/** The folder with its recipe.toml and a README.md. */
	readonly folder: string;
	/** One line. */
	readonly summary: string;
	/** Whether its agents use SQL, and so have the stock Supabase MCP server. */
	readonly sql: boolean;
	readonly agents: readonly RecipeAgent[];
}

/** In its texts `{TAG}` stands for an agent's tag, which the user may change. */
export interface RecipeAgent {
	readonly tag: Tag;
	/** The name of its subfolder in the folder where the recipe is set up. */
	readonly folder: string;
	/** What it does, shown to the others. */
	readonly role: string;
	/** A suggestion for the first prompt; null if its mail wakes it. */
	readonly first: string | null;
	/** Markdown to add to the general guidance. */
	readonly guidance: string;
}

/** A reference to an agent in the texts of a recipe. */
export const placeholder = /\{([A-Za-z][A-Za-z0-9_-]*)\}/g;

/** The maximum number of characters of a role in the database. */
export const maxRoleLength = 200;

/** The recipe's agents with other tags, in the same order, replaced in all texts. */
export function withTags({agents}: Recipe, tags: readonly Tag[]): RecipeAgent[] {
	const replacements = new Map(agents.map(({tag}, index) => [tag, tags[index] ?? tag]));
	const fill = (text: string): string =>
		text.replaceAll(placeholder, (whole, tag: string) => replacements.get(tag) ?? whole);
	return agents.map(({tag, folder, role, first, guidance}) => ({
		tag: replacements.get(tag) ?? tag,
		folder,
		// The new tags may be longer.
		role: fill(role).slice(0, maxRoleLength),
		first: first === null ? null : fill(first),
		guidance: fill(guidance),
	}));
}
