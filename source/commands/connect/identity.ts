import {defaults, type Config} from '../../config.ts';
import {clientOwners} from '../../join/clients/client-owner.ts';
import {tagOfVariable, variable} from '../../join/hook/agent-tag.ts';
import {hasJoinedHeadless, joinedFolders, type JoinedFolder} from '../../join/joined-folder.ts';
import {readCredentials} from '../../join/files/credentials-file.ts';
import {runningClients, type RunningClient} from '../../join/clients/running-client.ts';
import {MailboxError, UsageError} from '../../mailbox/error.ts';
import {isReserved, sameTag, type Tag} from '../../mailbox/tag.ts';
import {isOuterTag} from './agent-env.ts';

/** Who runs a command. */
export interface Identity {
	readonly tag: Tag;
	readonly kind: 'human' | 'agent';
	/** In an agent's shell or folder: only that agent can act from here, with no more rights than it has. */
	readonly isBound: boolean;
	/** What decided: a flag, a variable, a setting, `default`, or the joined folder. */
	readonly from: string;
	/** A sentence for whoever may not expect to act as this agent: a human in its folder, or who set AGENTMUX_TAG to another tag. */
	readonly hint: string | null;
}

/** Where a command runs. */
export interface Situation {
	readonly env: NodeJS.ProcessEnv;
	readonly cwd: string;
	/** Whether it runs in a terminal. */
	readonly isTerminal: boolean;
}

/**
 * Inside an agent's program, and in a joined folder, a command acts as that agent, with the agent's token. AGENTMUX_TAG says which
 * agent if there are several; in an agent's program a human's tag is ignored. Elsewhere the configuration decides. `as`: the tag that
 * a flag asks for. Rejects with MailboxError `forbidden` if the agent cannot be determined or is not allowed, UsageError if `as` is
 * another.
 */
export async function identify(config: Config, situation: Situation, as?: Tag): Promise<Identity> {
	const {env, cwd} = situation;
	const inside = runningClients(env);
	const [nearest] = joinedFolders(config.paths.data, cwd);
	const here = nearest === undefined ? undefined : await withoutFormer(config.paths.data, nearest);
	const configured = {tag: config.tag, kind: config.kind, isBound: false, from: config.origins.tag, hint: null};
	if (inside.length === 0 && here === undefined) return configured;
	const set = tagOfVariable(env);
	const isHuman = set !== null && (isReserved(set) || sameTag(set, config.human));
	const {isTerminal} = situation;
	// In a terminal that no client opened, this is trusted to be a human.
	if (isHuman && inside.length === 0 && isTerminal) return configured;
	if (isHuman && inside.length === 0) throw notHuman(set, here);
	const owners = inside.length === 0 ? [] : clientOwners(config.paths.state, env);
	// A client that was started as another agent than the folder's: its server has recorded that.
	const isOwner = set !== null && owners.some(owner => sameTag(owner, set));
	// A client that was started in a human's shell inherits it, or in that of another client.
	const isOuter = set !== null && !isHuman && !isOwner && (await isOuterIn(here, set, config.paths, env));
	const named = isHuman || isOuter ? null : set;
	const own = boundTo(named, inside, isOwner ? undefined : here, cwd);
	checkOwner(owners, own.tag, inside, named === null ? cwd : variable);
	if (as !== undefined && !sameTag(as, own.tag)) {
		throw new UsageError(
			`Here you act as ${own.tag} (${whereText(inside, here)}) and cannot act as ${as}.`,
			'Omit --as, or run this in your own terminal.',
		);
	}
	if (isHuman) {
		const hint = `${variable} is ${set}, but ${whereText(inside, here)}: this acts as ${own.tag}.`;
		return {...own, hint};
	}
	if (named !== null || inside.length > 0 || !isTerminal) return own;
	const hint = `In ${own.from} commands act as ${own.tag}; to act as yourself, run \`${variable}=${config.human} agentmux ...\`.`;
	return {...own, hint};
}

/** The folder that a command runs in; if it was removed, the shell's name for it. */
export function workingFolder(env: NodeJS.ProcessEnv): string {
	try {
		return process.cwd();
	} catch {
		return env['PWD'] ?? '/';
	}
}

/**
 * Throws UsageError if the folder is another agent's: an agent's servers are started in its own folder. In a folder where no agent
 * has joined any tag is fine, except from an agent's shell for a tag that has joined elsewhere.
 */
export function checkFolder(data: string, cwd: string, tag: Tag, env: NodeJS.ProcessEnv): void {
	const folders = joinedFolders(data, cwd);
	const [nearest] = folders;
	const own =
		nearest === undefined && runningClients(env).length > 0 ? (readCredentials(data, tag)?.folders ?? []) : [];
	if (own.length > 0) {
		throw new UsageError(
			`${tag} has joined in ${own.join(' and ')}, and ${nameOf(runningClients(env))} runs this in ${cwd}.`,
			'Start it there, or join here.',
		);
	}
	if (nearest === undefined || folders.some(({agents}) => agents.some(agent => sameTag(agent.tag, tag)))) return;
	throw new UsageError(
		`${nearest.folder} is the folder of ${tagsOf(nearest)}, not of ${tag}.`,
		`Start it where ${tag} has joined, or join there.`,
	);
}

/** Without agents that another agent has replaced in the folder. */
async function withoutFormer(data: string, joined: JoinedFolder): Promise<JoinedFolder> {
	const {folder, agents} = joined;
	if (agents.length === 1) return joined;
	const {foldersOf} = await import('../../join/joined-files.ts');
	const folders = await Promise.all(agents.map(({tag}) => foldersOf(data, tag)));
	const present = agents.filter((_, index) => folders[index]?.includes(folder) === true);
	return present.length === 0 ? joined : {folder, agents: present};
}

/** Whether AGENTMUX_TAG does not count there, as it does not for the client that runs this (agentEnv). */
async function isOuterIn(
	here: JoinedFolder | undefined,
	set: Tag,
	{data, state}: Config['paths'],
	env: NodeJS.ProcessEnv,
): Promise<boolean> {
	const isHeadless = here?.agents.some(({tag}) => hasJoinedHeadless(data, tag, here.folder)) === true;
	return isHeadless && isOuterTag(set, env, state);
}

function boundTo(
	named: Tag | null,
	inside: readonly RunningClient[],
	here: JoinedFolder | undefined,
	cwd: string,
): Identity {
	const agent = {kind: 'agent', isBound: true, hint: null} as const;
	if (here === undefined) {
		if (named !== null) return {...agent, tag: named, from: variable};
		throw new MailboxError(
			'forbidden',
			`${nameOf(inside)} runs this in ${cwd}, where no agent has joined.`,
			'Run `agentmux join TAG` there, or run this in your own terminal.',
		);
	}
	if (named !== null) {
		const own = here.agents.find(({tag}) => sameTag(tag, named));
		if (inside.length === 0 || own !== undefined) return {...agent, tag: own?.tag ?? named, from: variable};
		throw new MailboxError(
			'forbidden',
			`AGENTMUX_TAG is ${named}, and ${nameOf(inside)} runs this in ${here.folder}, the folder of ${tagsOf(here)}.`,
			`Unset AGENTMUX_TAG, or join ${named} there.`,
		);
	}
	const meant = here.agents.filter(({clients}) => inside.some(({id}) => id !== null && clients.includes(id)));
	const [only, ...more] = meant.length > 0 ? meant : here.agents;
	if (only !== undefined && more.length === 0) return {...agent, tag: only.tag, from: here.folder};
	throw new MailboxError(
		'forbidden',
		`${tagsOf(here)} have joined in ${here.folder}.`,
		'Set AGENTMUX_TAG to the one you mean.',
	);
}

/** Refuses a client that works as one agent to become another by AGENTMUX_TAG or by changing the folder. */
function checkOwner(owners: readonly Tag[], tag: Tag, inside: readonly RunningClient[], by: string): void {
	if (owners.length === 0 || owners.some(owner => sameTag(owner, tag))) return;
	const names = owners.join(' and ');
	throw new MailboxError(
		'forbidden',
		`${nameOf(inside)} works as ${names} here, and by ${by} this would be ${tag}.`,
		by === variable ? 'Unset AGENTMUX_TAG.' : `Run this in the folder of ${names}.`,
	);
}

function notHuman(named: Tag, here: JoinedFolder | undefined): MailboxError {
	return new MailboxError(
		'forbidden',
		`AGENTMUX_TAG is ${named}, but ${whereText([], here)}, and this runs without a terminal.`,
		'Unset AGENTMUX_TAG, or run this in your own terminal.',
	);
}

function whereText(inside: readonly RunningClient[], here: JoinedFolder | undefined): string {
	const folder = here === undefined ? '' : `${here.folder} is the folder of ${tagsOf(here)}`;
	if (inside.length === 0) return folder;
	return `${nameOf(inside)} runs this${folder === '' ? '' : `, and ${folder}`}`;
}

function nameOf(inside: readonly RunningClient[]): string {
	return inside.map(({name}) => name).join(' in ') || defaults;
}

function tagsOf({agents}: JoinedFolder): string {
	return agents.map(({tag}) => tag).join(' and ');
}
