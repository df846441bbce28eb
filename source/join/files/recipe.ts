import type {Tag} from '../../mailbox/tag.ts';
import type {ClientId} from '../clients/dialect.ts';

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
	/** The client that plays it; null: whichever the user chooses. */
	readonly client: ClientId | null;
	/** How many of it there are, unless the user says so; null: exactly one, which the user cannot change. */
	readonly count: number | null;
	/** A suggestion for the first prompt; null if its mail wakes it. */
	readonly first: string | null;
	/** Markdown to add to the general guidance. */
	readonly guidance: string;
}

/** A reference to an agent in the texts of a recipe. */
export const placeholder = /\{([A-Za-z][A-Za-z0-9_-]*)\}/g;

/** The maximum number of characters of a role in the database. */
export const maxRoleLength = 200;

/** The maximum number of agents of one kind. */
export const maxCount = 32;

/** One agent to set up, with its texts as it and the others see them. */
export type Member = Omit<RecipeAgent, 'count'>;

/**
 * The agents to set up: of one with a count as many as `count` says, with numbers in their tags and folders. `tags` replaces those of
 * the recipe in this order, and in all texts; an agent of which there are several is named by all their tags.
 */
export function membersOf(
	{agents}: Recipe,
	{count, tags = []}: {count?: number; tags?: readonly Tag[]} = {},
): Member[] {
	const places = agents.flatMap(agent => {
		const many = agent.count === null ? 1 : (count ?? agent.count);
		return Array.from({length: many}, (_, index) => ({
			agent,
			tag: agent.count === null ? agent.tag : `${agent.tag}_${index + 1}`,
			folder: agent.count === null ? agent.folder : `${agent.folder}-${index + 1}`,
		}));
	});
	const named = places.map((place, index) => ({...place, tag: tags[index] ?? place.tag}));
	return named.map(({agent, tag, folder}) => {
		const fill = (text: string): string =>
			text.replaceAll(placeholder, (whole, name: string) => {
				if (name === agent.tag) return tag;
				const those = named.filter(other => other.agent.tag === name).map(other => other.tag);
				return those.length === 0 ? whole : listed(those);
			});
		return {
			tag,
			folder,
			client: agent.client,
			// The new tags may be longer.
			role: fill(agent.role).slice(0, maxRoleLength),
			first: agent.first === null ? null : fill(agent.first),
			guidance: fill(agent.guidance),
		};
	});
}

function listed(words: readonly string[]): string {
	return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
