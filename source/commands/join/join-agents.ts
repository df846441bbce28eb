import {stat} from 'node:fs/promises';
import {loadConfig, type Config} from '../../config.ts';
import {claude, clients as everyClient, filesOf, type Client} from '../../join/clients/clients.ts';
import {recordedClients} from '../../join/clients/client-owner.ts';
import {runningIn} from '../../join/clients/client-status.ts';
import {isHeadlessIn} from '../../join/disarmed.ts';
import {checkWritable} from '../../join/files/file-edit.ts';
import {credentialsFile, type Credentials} from '../../join/files/credentials-file.ts';
import {planFolder} from '../../join/folder.ts';
import {credentialsAt} from '../../join/moved.ts';
import {holderIn} from '../../join/files/holder.ts';
import type {Participant} from '../../join/participant.ts';
import {hasOwnerSql, type Agent} from '../../mailbox/agent.ts';
import {MailboxError, UsageError} from '../../mailbox/error.ts';
import {sameTag} from '../../mailbox/tag.ts';
import {findPaths} from '../../paths.ts';
import {joinPrintable, p, printable, type Printable} from '../../printable.ts';
import type {Invocation} from '../cli/command.ts';
import {calledAnywhere, findHook, findLauncher, planLaunchers, shellWord} from '../cli/launcher.ts';
import {remark, write} from '../cli/output.ts';
import type {HookCredentials} from '../connect/credentials.ts';
import {withMailbox} from '../connect/connect.ts';
import {checkIsHuman} from '../connect/human-only.ts';
import {openOwnersProject} from '../connect/owner.ts';
import {unknownVersions} from './client-versions.ts';
import {checkActiveElsewhere, checkFree, checkLinks, type JoiningCommand} from './conflicts.ts';
import {askConsent} from './consent.ts';
import {install, type Plan} from './install.ts';
import {checkNames, warnOfLookAlikes} from './look-alikes.ts';
import {besideText, hosted, joinedText, whatNext} from './next-steps.ts';
import {markOwnerSql, ownerSqlText} from './owner-sql.ts';
import {isOurs, type Chosen} from './participants.ts';
import {previewOf} from './preview.ts';

/** How agents are to join. */
export interface JoinOptions {
	/** By which they join. `run` starts the client itself, so that nobody needs to be told how. */
	readonly command: JoiningCommand;
	/** For those whose recipe names no client. */
	readonly clients: readonly Client[];
	/** Whether they have the server for SQL; undefined: as they have joined there before, or as their recipe says. */
	readonly sql?: boolean | undefined;
	/** Whether they take part in runs without a user; undefined: as they have joined there before. */
	readonly headless?: boolean | undefined;
	/** Whether their SQL runs as the owner. */
	readonly ownerSql?: boolean;
	/** Whether our plugin brings hooks and servers. */
	readonly plugin?: boolean;
	/** The groups that they are added to. */
	readonly groups?: readonly string[];
	/** Whether to accept a tag that another agent has, or that looks like a human's. */
	readonly force?: boolean;
	/** Whether to join without files, because the folder is another agent's. */
	readonly beside?: boolean;
	/** Whether to show what would change, and change nothing. */
	readonly print?: boolean;
	/** Whether to set up a recipe from somebody else without asking. */
	readonly yes?: boolean;
}

/** Lets the agents join, all of them or none, and prints how to go on. Rejects with MailboxError or UsageError. */
export async function joinAgents(invocation: Invocation, chosen: Chosen, options: JoinOptions): Promise<void> {
	const {env, stdout, stderr} = invocation;
	const {recipe, participants} = chosen;
	const say = (sentence: string): void => remark(stderr, sentence);
	const config = await loadConfig({env});
	await check(invocation, chosen, options, config);
	const plans = await makePlans(chosen, options, config);
	for (const sentence of plans.flatMap(({edits}) => edits.flatMap(({remarks}) => remarks))) say(sentence);
	const previews = (): Printable[] => plans.flatMap(({edits}) => edits.map(previewOf));
	const {paths, target} = config;
	if (options.print === true) {
		const own = participants.map(({tag}) => credentialsFile(paths.data, tag)).join(' and ');
		const also = `Also writes ${own} (mode 0600): ${participants.length === 1 ? 'its' : 'their'} hooks read the mailbox's address and token there.`;
		return write(stdout, p`${joinPrintable(previews())}${printable(also)}\n`);
	}
	await checkWritable(plans.flatMap(({edits}) => edits));
	if (recipe !== null && !isOurs(recipe) && options.yes !== true && plans.some(({changes}) => changes))
		await askConsent(invocation, recipe.folder, joinPrintable(previews()));
	const {ownerSql = false, force = false, groups = []} = options;
	const tags = participants.map(({tag}) => tag);
	const former: Agent[] = [];
	// Fails here, before anything has changed, if owner SQL is not available.
	if (ownerSql) await openOwnersProject(invocation);
	const installed = await install(invocation, paths.data, plans, {
		ownerSql,
		launchers: planLaunchers(paths),
		check(agents) {
			warnOfLookAlikes(agents, participants, say);
			checkActiveElsewhere(agents, {
				data: paths.data,
				participants,
				command: options.command,
				strict: recipe !== null && !force,
				say,
			});
			former.push(...agents.filter(agent => hasOwnerSql(agent) && tags.some(tag => sameTag(tag, agent.tag))));
		},
	});
	if (groups.length > 0) {
		await withMailbox(invocation, {}, async mailbox => {
			for (const tag of tags) await mailbox.group(tag, {add: groups});
		});
	}
	if (ownerSql || former.length > 0) await markOwnerSql(invocation, tags, ownerSql);
	if (ownerSql) say(ownerSqlText(tags, target.kind === 'supabase'));
	else if (former.length > 0) say(`${former.map(({tag}) => tag).join(' and ')} no longer runs SQL as the owner.`);
	const used = [...new Set(participants.flatMap(participant => clientsOf(participant, options)))];
	for (const sentence of await unknownVersions(used, env)) say(sentence);
	await write(stdout, report(chosen, plans, installed, {options, target, env}));
}

/** Rejects if they may not join like this. */
async function check(
	{env}: Invocation,
	{participants, named, contains, recipe}: Chosen,
	{command, clients, sql, headless, groups = [], ownerSql = false, plugin = false, force = false}: JoinOptions,
	config: Config,
): Promise<void> {
	// What contains the agents' folders is created with them.
	if (!contains) for (const folder of named) await mustExist(folder);
	for (const {tag} of participants) {
		if (config.kind !== 'human' || !sameTag(tag, config.tag)) continue;
		throw new UsageError(`${tag} is your own tag (${config.paths.config}).`, 'Use another tag: CLAUDE_1.');
	}
	if (groups.length > 0) checkIsHuman(env, 'only a human can use --group');
	if (ownerSql) checkIsHuman(env, 'only a human can use --owner-sql');
	if (ownerSql && sql === false)
		throw new UsageError('--owner-sql needs the server that --no-sql omits.', 'Use one of them.');
	// It accepts a tag that another agent has, or that looks like a human's.
	if (force) checkIsHuman(env, 'only a human can use --force');
	if (!force) {
		checkNames(participants, config.human, command);
		await checkFree(config.paths.data, participants, command);
	}
	if (!plugin) return;
	// Our plugin is for Claude Code, and the same in every folder.
	if (!clients.every(client => client === claude) || recipe !== null || headless === true)
		throw new UsageError(
			'--plugin is for one agent of Claude Code.',
			'Omit --plugin, --recipe, --headless or --client.',
		);
	for (const {folder} of participants) await checkNoFiles(folder);
}

/** Rejects where an agent has joined with files: Claude Code would use those and not our plugin, and nobody would remove them. */
async function checkNoFiles(folder: string): Promise<void> {
	const other = await holderIn(folder, claude);
	if (other === null) return;
	const remedy = `Leave first: \`agentmux leave ${other} --dir ${shellWord(folder)}\``;
	throw new MailboxError('conflict', `${other} has joined in ${folder} without the plugin.`, remedy);
}

async function mustExist(folder: string): Promise<void> {
	const found = await stat(folder).catch(() => null);
	if (found?.isDirectory() === true) return;
	throw new MailboxError('not_found', `There is no folder ${folder}.`, 'Create it, or give another with --dir DIR.');
}

async function makePlans({participants}: Chosen, options: JoinOptions, {paths}: Config): Promise<Plan[]> {
	const {ownerSql = false, plugin = false, beside = false} = options;
	const plans: Plan[] = [];
	for (const participant of participants) {
		const {folder, tag, guidance = ''} = participant;
		const known = await credentialsAt(paths.data, tag, folder);
		const clients = clientsOf(participant, options);
		const sql = ownerSql || wantsSql(options.sql, participant, known);
		const headless = !plugin && wantsHeadless(options.headless, participant, known);
		const how = {clients, guidance, headless, sql, plugin, files: known?.files ?? {}};
		const edits = beside ? [] : await planFolder(folder, tag, findLauncher(paths), findHook(paths), how);
		await checkLinks(paths.data, participant, edits);
		const changes = edits.some(({before, after}) => before !== after);
		plans.push({participant, edits, sql, headless, changes});
	}
	return plans;
}

/** Whether an agent is to have the server for SQL: as the user says, as it has joined there before, or as its recipe says. */
function wantsSql(given: boolean | undefined, {folder, sql = true}: Participant, known: Credentials | null): boolean {
	return given ?? (known?.folders.includes(folder) === true ? !known.no_sql.includes(folder) : sql);
}

/** Whether an agent is to take part in runs without a user: as the user says, or as it has joined there before. */
function wantsHeadless(given: boolean | undefined, {folder}: Participant, known: Credentials | null): boolean {
	if (given !== undefined || known?.folders.includes(folder) !== true) return given ?? false;
	return known.headless.includes(folder) || isHeadlessIn(folder, everyClient);
}

/** The clients that an agent is to have: the one that its recipe names, or those that were chosen. */
function clientsOf({client}: Chosen['participants'][number], {clients}: JoinOptions): readonly Client[] {
	return client === null || client === undefined ? clients : everyClient.filter(({id}) => id === client);
}

interface ReportOptions extends Pick<Config, 'target'> {
	readonly options: JoinOptions;
	readonly env: NodeJS.ProcessEnv;
}

/** What has happened, and how to start the agents. */
function report(
	chosen: Chosen,
	plans: readonly Plan[],
	installed: readonly HookCredentials[],
	{options, target, env}: ReportOptions,
): Printable {
	const playing = (participant: Chosen['participants'][number]): readonly Client[] => clientsOf(participant, options);
	const lines = plans.flatMap(({participant, changes}, index) => {
		const credentials = installed[index];
		const files = options.plugin === true ? [claude.hooks] : playing(participant).flatMap(filesOf);
		return [
			options.beside === true ? besideText(participant) : joinedText(participant, changes, files),
			...(target.kind === 'supabase' && credentials !== undefined ? hosted(target, credentials, participant.tag) : []),
		];
	});
	const changed = plans.filter(({participant, changes}) => changes && playing(participant).includes(claude));
	if (changed.some(({participant}) => runsWithout(env, participant)))
		lines.push(p`A Claude Code is running there already: it gets its tools and its mail when it is started again.`);
	const {recipe} = chosen;
	const heading = recipe === null ? [] : [p`${printable(`${recipe.name}: ${recipe.summary}`)}.`];
	const next =
		options.command === 'run' ? [] : whatNext(chosen, playing, printable(calledAnywhere(env, findPaths(env))));
	return joinPrintable([...heading, ...lines, ...next, ''], '\n');
}

/** Whether a Claude Code is running in the folder without the agent's server; one that had left while it was running has it. */
function runsWithout(env: NodeJS.ProcessEnv, {folder, tag}: Participant): boolean {
	const served = recordedClients(findPaths(env).state).filter(claim => claim.isServed && sameTag(claim.tag, tag));
	return runningIn(env, folder).some(key => key === null || !served.some(({session}) => session === key));
}
