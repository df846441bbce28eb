import type {Tag} from '../../mailbox/tag.ts';

/** Agents that work together in a known way: what `join --recipe` sets up. It is data, a folder like `recipes/NAME`. */
export interface Recipe {
	/** The folder's name. */
	readonly name: string;
	/** Where its recipe.toml lies, and the README.md for people. */
	readonly folder: string;
	/** One line. */
	readonly summary: string;
	readonly agents: readonly RecipeAgent[];
}

/** In its texts `{TAG}` stands for the tag that an agent of the recipe is given. */
export interface RecipeAgent {
	readonly tag: Tag;
	/** Its folder's name, below the one where the recipe is set up. */
	readonly folder: string;
	/** What it does, for the others to see. */
	readonly role: string;
	/** What a person types first into its terminal; null: nothing, its mail wakes it. */
	readonly first: string | null;
	/** What its guidance says beyond the general section; Markdown. */
	readonly guidance: string;
}

/** Where the texts of a recipe name one of its agents. */
export const placeholder = /\{([A-Za-z][A-Za-z0-9_-]*)\}/g;

/** Characters that the database takes of a role. */
export const maxRoleLength = 200;

/** The agents with these tags, in their order, in place of the recipe's own, in all texts. */
export function withTags({agents}: Recipe, tags: readonly Tag[]): RecipeAgent[] {
	const given = new Map(agents.map(({tag}, index) => [tag, tags[index] ?? tag]));
	const fill = (text: string): string => text.replaceAll(placeholder, (whole, tag: string) => given.get(tag) ?? whole);
	return agents.map(({tag, folder, role, first, guidance}) => ({
		tag: given.get(tag) ?? tag,
		folder,
		// The tags may be longer than what they replace.
		role: fill(role).slice(0, maxRoleLength),
		first: first === null ? null : fill(first),
		guidance: fill(guidance),
	}));
}
