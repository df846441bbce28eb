import {stat} from 'node:fs/promises';
import {loadConfig} from '../config.ts';
import {claude, clients as everyClient, filesOf, type Client} from '../join/clients/clients.ts';
import {checkWritable} from '../join/files/file-edit.ts';
import {recordedClients} from '../join/clients/client-owner.ts';
import {runningIn} from '../join/clients/client-status.ts';
import {planFolder} from '../join/folder.ts';
import {credentialsFile, readCredentials, type Credentials} from '../join/files/credentials-file.ts';
import type {Participant} from '../join/participant.ts';
import {hasOwnerSql, type Agent} from '../mailbox/agent.ts';
import {MailboxError, UsageError} from '../mailbox/error.ts';
import {nearest} from '../mailbox/nearest.ts';
import {sameTag} from '../mailbox/tag.ts';
import {joinPrintable, p, printable} from '../printable.ts';
import type {Command} from './cli/command.ts';
import {openOwnersProject} from './connect/owner.ts';
import {askConsent} from './join/consent.ts';
import {unknownVersions} from './join/client-versions.ts';
import {calledAs, findHook, findLauncher, planLaunchers} from './cli/launcher.ts';
import {checkIsHuman} from './connect/human-only.ts';
import {markOwnerSql, ownerSqlText} from './join/owner-sql.ts';
import {remark, write} from './cli/output.ts';
import {chosenParticipants, isOurs, participantFlags, type Chosen} from './join/participants.ts';
import {install, type Plan} from './join/install.ts';
import {checkNames, warnOfLookAlikes} from './join/look-alikes.ts';
import {besideText, hosted, joinedText, whatNext} from './join/next-steps.ts';
import {previewOf} from './join/preview.ts';
import {checkActiveElsewhere, checkFree, checkLinks} from './join/conflicts.ts';
import {textFlag} from './cli/values.ts';

const command: Command = {
	summary: 'set up the agent in a folder',
	help: `
		Set up a folder so that the agent started there takes part as TAG. Other contents of these files are kept.

		  servers    the mailbox (\`agentmux\`) and the stock Supabase MCP server (\`supabase\`)
		  hooks      hand over new mail while the agent works, and show the others what it is doing. For Claude Code, also
		             a rule that lets it call the mailbox's tools without asking
		  guidance   a section that explains this to the agent

		            servers                 hooks                         guidance
		  claude    .mcp.json               .claude/settings.local.json   CLAUDE.local.md
		  codex     .codex/config.toml      .codex/hooks.json             AGENTS.md
		  gemini    .gemini/settings.json   .gemini/settings.json         GEMINI.md

		Files that join creates are for this machine: it lists them in .git/info/exclude, so that git ignores them. They start
		agentmux by a script in its data folder, which each newer version rewrites. Join again to move what earlier versions
		wrote into .claude/settings.json and CLAUDE.md.

		A client uses only the hooks of the folder in which it is started, not those of folders above it (except Codex, which
		uses those of the whole git repository). If a client is also started in a subfolder or a git worktree, join that folder
		too, under a different tag.

		A recipe sets up several agents and gives each its role. Use one that comes with agentmux (researcher-writer,
		monitor-responder, planner-executor, reviewer-loop, test-fixer, pair-with-codex, worker-pool, incident-bridge), or any
		folder with a recipe.toml.

		Usage
		  agentmux join TAG [--client CLIENT] [--dir DIR] [--role ROLE] [--no-sql | --owner-sql] [--headless]
		                    [--plugin] [--force] [--print]
		  agentmux join --recipe NAME [--client CLIENT] [--dir DIR]... [--count N] [--tags A,B] [--no-sql]
		                    [--force] [--print]

		  --client CLIENT   claude (default), codex or gemini; separate several with commas
		  --dir DIR         the folder (default: the current one). With a recipe, the folder in which each agent gets a
		                    subfolder (it is created if necessary); or give --dir once for each agent
		  --role ROLE       what this agent does, shown to the others
		  --recipe NAME     a recipe, or the path of one
		  --count N         how many to set up of the agent that the recipe has several of (worker-pool)
		  --tags A,B        other tags for the recipe's agents, in its order
		  --no-sql          omit the \`supabase\` server, whose five tools every session carries; the mailbox needs none of them.
		                    So does the next join in the folder, unless it says --sql, and so do recipes that use no SQL
		  --headless        also hand over mail in runs without a user (\`claude -p\`, scripts), which otherwise get none
		  --plugin          write only the rule: the plugin (\`agentmux plugin\`) brings the hooks and the mailbox's server
		  --owner-sql       let its \`supabase\` server run SQL and migrations as the owner of the database, with which it can
		                    write as anyone; by default it runs SQL as the agent. Join again without this flag to undo it
		  --force           join even if another folder already has the tag, or in your home folder
		  --print           show what would change, but change nothing
		  --yes, -y         do not ask before setting up a recipe that did not come with agentmux

		Examples
		  agentmux join CLAUDE_1 --dir ~/project --role "writes the parser"
		  agentmux join CLAUDE_TWIN --dir ~/project-twin
		  agentmux join REVIEWER --client codex --dir ~/project-review
		  agentmux join --recipe planner-executor --dir ~/agents
	`,
	flags: {
		...participantFlags,
		client: {type: 'string'},
		role: {type: 'string'},
		force: {type: 'boolean'},
		headless: {type: 'boolean'},
		ownerSql: {type: 'boolean'},
		plugin: {type: 'boolean'},
		sql: {type: 'boolean'},
		print: {type: 'boolean'},
		yes: {type: 'boolean', shortFlag: 'y'},
	},
	async run(invocation) {
		const {flags, env, stdout, stderr} = invocation;
		const say = (sentence: string): void => remark(stderr, sentence);
		const clients = chosenClients(textFlag(flags, 'client') ?? claude.id);
		const chosen = await chosenParticipants('join', invocation);
		const {recipe, participants, named} = chosen;
		// What contains the agents' folders is created with them.
		if (!chosen.contains) for (const folder of named) await mustExist(folder);
		const {target, paths, ...own} = await loadConfig({env});
		for (const {tag} of participants) {
			if (own.kind !== 'human' || !sameTag(tag, own.tag)) continue;
			throw new UsageError(`${tag} is your own tag (${paths.config}).`, 'Use another tag: CLAUDE_1.');
		}
		const force = flags['force'] === true;
		const ownerSql = flags['ownerSql'] === true;
		if (ownerSql) checkIsHuman(env, 'only a human can use --owner-sql');
		if (ownerSql && flags['sql'] === false)
			throw new UsageError('--owner-sql needs the server that --no-sql omits.', 'Use one of them.');
		// It accepts a tag that another agent has, or that looks like a human's.
		if (force) checkIsHuman(env, 'only a human can use --force');
		if (!force) {
			checkNames(participants, own.human);
			await checkFree(paths.data, participants);
		}
		const launcher = findLauncher(paths);
		const hook = findHook(paths);
		const headless = flags['headless'] === true;
		const plugin = flags['plugin'] === true;
		// Only `run` asks for it: to join without files, because the folder is another agent's.
		const beside = flags['beside'] === true;
		if (plugin) checkPlugin(clients, recipe !== null || headless);
		const playing = ({client}: Chosen['participants'][number]): readonly Client[] =>
			client === null || client === undefined ? clients : everyClient.filter(({id}) => id === client);
		const plans: Plan[] = [];
		for (const participant of participants) {
			const {folder, tag, guidance = ''} = participant;
			const known = readCredentials(paths.data, tag);
			const sql = ownerSql || wantsSql(flags['sql'], participant, known);
			const options = {clients: playing(participant), guidance, headless, sql, plugin, files: known?.files ?? {}};
			const edits = beside ? [] : await planFolder(folder, tag, launcher, hook, options);
			await checkLinks(paths.data, participant, edits);
			plans.push({participant, edits, sql, changes: edits.some(({before, after}) => before !== after)});
		}
		for (const sentence of plans.flatMap(({edits}) => edits.flatMap(({remarks}) => remarks))) say(sentence);
		if (flags['print'] === true) {
			const own = participants.map(({tag}) => credentialsFile(paths.data, tag)).join(' and ');
			const beside = `Also writes ${own} (mode 0600): ${participants.length === 1 ? 'its' : 'their'} hooks read the mailbox's address and token there.`;
			const previews = plans.flatMap(({edits}) => edits.map(previewOf));
			return write(stdout, p`${joinPrintable(previews)}${printable(beside)}\n`);
		}
		await checkWritable(plans.flatMap(({edits}) => edits));
		if (recipe !== null && !isOurs(recipe) && flags['yes'] !== true && plans.some(({changes}) => changes)) {
			const previews = plans.flatMap(({edits}) => edits.map(previewOf));
			await askConsent(invocation, recipe.folder, joinPrintable(previews));
		}
		const tags = participants.map(({tag}) => tag);
		const former: Agent[] = [];
		// Fails here, before anything has changed, if owner SQL is not available.
		if (ownerSql) await openOwnersProject(invocation);
		const installed = await install(invocation, paths.data, plans, {
			ownerSql,
			launchers: planLaunchers(paths),
			check(agents) {
				warnOfLookAlikes(agents, participants, say);
				checkActiveElsewhere(agents, {data: paths.data, participants, strict: recipe !== null && !force, say});
				former.push(...agents.filter(agent => hasOwnerSql(agent) && tags.some(tag => sameTag(tag, agent.tag))));
			},
		});
		if (ownerSql || former.length > 0) await markOwnerSql(invocation, tags, ownerSql);
		if (ownerSql) say(ownerSqlText(tags, target.kind === 'supabase'));
		else if (former.length > 0) say(`${former.map(({tag}) => tag).join(' and ')} no longer runs SQL as the owner.`);
		const lines = plans.flatMap(({participant, changes}, index) => {
			const credentials = installed[index];
			const files = plugin ? [claude.hooks] : playing(participant).flatMap(filesOf);
			return [
				beside ? besideText(participant) : joinedText(participant, changes, files),
				...(target.kind === 'supabase' && credentials !== undefined
					? hosted(target, credentials, participant.tag)
					: []),
			];
		});
		const changed = plans.filter(({participant, changes}) => changes && playing(participant).includes(claude));
		if (changed.some(({participant}) => runsWithout(env, paths.state, participant)))
			lines.push(p`A Claude Code is running there already: it gets its tools and its mail when it is started again.`);
		const used = [...new Set(participants.flatMap(playing))];
		for (const sentence of await unknownVersions(used, env)) say(sentence);
		const heading = recipe === null ? [] : [p`${printable(`${recipe.name}: ${recipe.summary}`)}.`];
		return write(
			stdout,
			joinPrintable([...heading, ...lines, ...whatNext(chosen, playing, printable(calledAs(env))), ''], '\n'),
		);
	},
};

export default command;

/** Whether a Claude Code is running in the folder without the agent's server; one that had left while it was running has it. */
function runsWithout(env: NodeJS.ProcessEnv, state: string, {folder, tag}: Participant): boolean {
	const served = recordedClients(state).filter(claim => claim.isServed && sameTag(claim.tag, tag));
	return runningIn(env, folder).some(key => key === null || !served.some(({session}) => session === key));
}

/** Whether an agent is to have the server for SQL: as the user says, as it has joined there before, or as its recipe says. */
function wantsSql(given: unknown, {folder, sql = true}: Participant, known: Credentials | null): boolean {
	if (typeof given === 'boolean') return given;
	return known?.folders.includes(folder) === true ? !known.no_sql.includes(folder) : sql;
}

/** Our plugin is for Claude Code, and the same in every folder. Throws UsageError. */
function checkPlugin(clients: readonly Client[], isMore: boolean): void {
	if (clients.every(client => client === claude) && !isMore) return;
	throw new UsageError('--plugin is for one agent of Claude Code.', 'Omit --plugin, --recipe, --headless or --client.');
}

async function mustExist(folder: string): Promise<void> {
	const found = await stat(folder).catch(() => null);
	if (found?.isDirectory() === true) return;
	throw new MailboxError('not_found', `There is no folder ${folder}.`, 'Create it, or give another with --dir DIR.');
}

/** The clients named by `--client`. Throws UsageError for an unknown one. */
function chosenClients(text: string): Client[] {
	const words = text.split(',').map(word => word.trim().toLowerCase());
	const found = everyClient.filter(({id}) => words.includes(id));
	const unknown = words.find(word => !found.some(({id}) => id === word));
	if (unknown === undefined) return found;
	const ids = everyClient.map(({id}) => id);
	const near = nearest(unknown, ids);
	throw new UsageError(
		`Unknown client \`${unknown}\`.`,
		`${near === null ? '' : `Did you mean ${near}? `}Choose from ${ids.join(', ')}.`,
	);
}
