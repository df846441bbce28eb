import {runSql} from '../gateway/management.ts';
import {claude} from '../join/clients/clients.ts';
import {joinedPlaces} from '../join/disarmed.ts';
import {damagedCredentials, readCredentials} from '../join/files/credentials-file.ts';
import {hasOwnerSql, isShared, maxWakes, presenceOf, type Agent} from '../mailbox/agent.ts';
import {MailboxError, UsageError} from '../mailbox/error.ts';
import {knownTags, resembled} from '../mailbox/look-alike.ts';
import {stopText} from '../mailbox/sight/sight.ts';
import {foldTag, sameTag, type Tag} from '../mailbox/tag.ts';
import {findPaths} from '../paths.ts';
import {joinPrintable, p, printable} from '../printable.ts';
import {asTyped} from './cli/called.ts';
import type {Command, Invocation} from './cli/command.ts';
import {replaceToken} from './connect/credentials.ts';
import {withMailbox} from './connect/connect.ts';
import {openOwnersProject} from './connect/owner.ts';
import {checkIsHuman} from './connect/human-only.ts';
import {remarkFailedHooks} from './cli/failed-hooks.ts';
import {shellWord} from './cli/launcher.ts';
import {timeOf} from './cli/message-text.ts';
import {remark, table, write, writeJson} from './cli/output.ts';
import {unknownSubcommand} from './cli/subcommand.ts';
import {asTag, groupName} from './cli/values.ts';

const command: Command = {
	summary: 'list, group, revoke, restore and forget agents, and let damped ones go on',
	help: `
		List the agents that have joined, or revoke an agent's access.

		Usage
		  agentmux agents [--json]
		  agentmux agents folders [--json]
		                                  list the folders of this machine in which agents have joined
		  agentmux agents revoke TAG      end its tokens and close its connections; it is refused until it is restored
		  agentmux agents restore TAG     let it in again; messages that came in the meantime were kept for it
		  agentmux agents undamp TAG      let its mail wake it again, if it and another agent woke each other too often
		  agentmux agents group NAME TAG...
		                                  add agents to a group: \`@NAME\` in a message then addresses each of them
		  agentmux agents ungroup NAME TAG...
		                                  remove agents from a group
		  agentmux agents forget TAG      remove an agent that has left from the list; its messages stay

		  --json        print the row, or the rows as one JSON array

		If the files that join wrote in a folder are gone (\`git clean\`, \`git stash\`), no mail is handed over there; the list says
		so, and joining again writes them.

		An agent that has given no sign of life for five minutes, and did not sign off, is shown as gone. Hooks that failed
		in the last day are reported on stderr. An agent marked \`owner SQL\` was joined with --owner-sql and can write as
		anyone.

		Examples
		  agentmux agents
		  agentmux agents folders
		  agentmux agents revoke CLAUDE_1
		  agentmux agents group backend CLAUDE_1 CLAUDE_2
	`,
	flags: {json: {type: 'boolean'}},
	async run(invocation) {
		const [action, ...words] = invocation.input;
		if (action === undefined || action === 'list') return list(invocation, words);
		if (action === 'revoke' || action === 'restore' || action === 'undamp') return admit(invocation, action, words);
		if (action === 'group' || action === 'ungroup') return changeGroup(invocation, action, words);
		if (action === 'folders') return listFolders(invocation, words);
		if (action === 'forget') return forget(invocation, words);
		throw unknownSubcommand('agents', action, [
			'list',
			'folders',
			'revoke',
			'restore',
			'undamp',
			'group',
			'ungroup',
			'forget',
		]);
	},
};

export default command;

async function list(invocation: Invocation, words: readonly string[]): Promise<void> {
	const {flags, stdout} = invocation;
	checkNoWords('list', words);
	remarkFailedHooks(invocation);
	remarkDisarmed(invocation);
	await withMailbox(invocation, {}, async mailbox => {
		const now = Date.now();
		const [agents, sights] = await Promise.all([mailbox.agents(), mailbox.sight.list()]);
		if (flags['json'] === true) {
			return writeJson(
				stdout,
				agents.map(agent => ({...agent, presence: presenceOf(agent, now), owner_sql: hasOwnerSql(agent)})),
			);
		}
		if (agents.length === 0) {
			return remark(
				invocation.stderr,
				'No agent has joined yet. `agentmux join CLAUDE_1 --dir DIR` sets up the Claude terminal in DIR.',
			);
		}
		const anyOwner = agents.some(hasOwnerSql);
		const anyGroup = agents.some(({groups}) => groups.length > 0);
		const rows = agents.map(agent => [
			agent.tag,
			agent.kind,
			stateOf(agent, now),
			...(anyOwner ? [hasOwnerSql(agent) ? 'owner SQL' : ''] : []),
			agent.last_seen_at === null ? 'never' : timeOf(agent.last_seen_at),
			...(anyGroup ? [agent.groups.join(' ')] : []),
			agent.role ?? '',
		]);
		await write(
			stdout,
			table(
				stdout,
				['TAG', 'KIND', 'PRESENCE', ...(anyOwner ? ['SQL'] : []), 'LAST SEEN', ...(anyGroup ? ['GROUPS'] : []), 'ROLE'],
				rows,
			),
		);
		const known = knownTags(agents);
		for (const {tag} of agents) {
			const like = resembled(tag, known);
			if (like !== null) remark(invocation.stderr, `${tag} looks like ${like}, but is a different tag.`);
		}
		for (const {tag, damped} of agents.filter(each => each.damped !== null)) {
			remark(
				invocation.stderr,
				`${tag} is no longer woken by ${damped}: they woke each other ${maxWakes} times without other work. To let them go on: \`agentmux agents undamp ${tag}\``,
			);
		}
		for (const {tag, paused} of agents) {
			if (paused === null) continue;
			const why = paused.reason === null ? '' : ` (${paused.reason})`;
			const since = `${tag} has been paused by ${paused.by} since ${timeOf(paused.at)}${why}.`;
			remark(invocation.stderr, asTyped(`${since} To let it go on: \`agentmux resume ${tag}\``));
		}
		for (const {tag, stop} of sights) {
			const works = agents.some(each => sameTag(each.tag, tag) && presenceOf(each, now) === 'working');
			if (stop !== null && (stop.stopped_at === null || !works))
				remark(invocation.stderr, `${tag}: ${stopText(stop)} (${timeOf(stop.stopped_at ?? stop.asked_at)}).`);
		}
		for (const agent of agents.filter(each => isShared(each, now))) {
			remark(
				invocation.stderr,
				`${agent.sessions} clients work as ${agent.tag} and share its inbox: each message reaches only one of them. Join one of them under another tag.`,
			);
		}
	});
}

function checkNoWords(action: string, words: readonly string[]): void {
	if (words.length === 0) return;
	throw new UsageError(`\`agentmux agents ${action}\` takes no arguments.`, 'See `agentmux agents --help`.');
}

function remarkDisarmed(invocation: Invocation): void {
	const {data} = findPaths(invocation.env);
	for (const {sentence} of damagedCredentials(data)) remark(invocation.stderr, sentence);
	for (const {tag, folder, files, missing, asksAlone, plugin} of joinedPlaces(data)) {
		const isMissing = files === 'missing';
		if (!isMissing && asksAlone.length === 0) continue;
		const ids = (isMissing ? missing : asksAlone).map(({id}) => id).join(',');
		const more = ids !== claude.id ? ` --client ${ids}` : plugin ? ' --plugin' : '';
		const what = isMissing
			? `files missing in ${folder}`
			: `asks for permissions only in its terminal, because ${folder} was joined with an earlier version`;
		remark(invocation.stderr, `${tag}: ${what}: run \`agentmux join ${tag} --dir ${shellWord(folder)}${more}\`.`);
	}
}

/** What `git worktree list` is for worktrees. */
async function listFolders(invocation: Invocation, words: readonly string[]): Promise<void> {
	const {env, flags, stdout, stderr} = invocation;
	checkNoWords('folders', words);
	const places = joinedPlaces(findPaths(env).data).map(({tag, folder, clients, files, headless}) => ({
		tag,
		folder,
		clients: clients.map(({name}) => name),
		files,
		headless,
	}));
	if (flags['json'] === true) return writeJson(stdout, places);
	if (places.length === 0) {
		remarkDisarmed(invocation);
		return remark(stderr, 'No agent has joined on this machine.');
	}
	const anyHeadless = places.some(({headless}) => headless);
	const rows = places.map(({tag, folder, clients, files, headless}) => [
		tag,
		clients.join(', '),
		files === 'gone' ? 'folder gone' : files,
		...(anyHeadless ? [headless ? 'headless' : ''] : []),
		folder,
	]);
	const more = anyHeadless ? ['RUNS'] : [];
	await write(stdout, table(stdout, ['TAG', 'CLIENT', 'FILES', ...more, 'FOLDER'], rows));
	remarkDisarmed(invocation);
}

/** Removes the row of an agent that has left. Its tokens ended then; who is revoked keeps its row, which says so. */
async function forget(invocation: Invocation, words: readonly string[]): Promise<void> {
	const {env, flags, stdout} = invocation;
	const meant = theTag('forget', words);
	checkIsHuman(env, 'only a human can forget an agent');
	const {data} = findPaths(env);
	const [joined] = readCredentials(data, meant)?.folders ?? [];
	if (joined !== undefined) {
		throw new MailboxError(
			'conflict',
			`${meant} has joined in ${joined}.`,
			`First run \`agentmux leave ${meant} --dir ${shellWord(joined)}\`.`,
		);
	}
	const agents = await withMailbox(invocation, {}, mailbox => mailbox.agents());
	const agent = agents.find(({tag}) => sameTag(tag, meant));
	if (agent === undefined) throw new MailboxError('not_found', `There is no agent ${meant}.`, 'See `agentmux agents`.');
	checkForgettable(agent);
	// Safe to quote like this: a tag contains only letters, digits, _ and -.
	const sql = `delete from public.agents where upper(tag collate "C") = '${foldTag(meant)}' and revoked_at is null`;
	await runSql(await openOwnersProject(invocation), sql);
	if (flags['json'] === true) return writeJson(stdout, agent);
	await write(stdout, p`${printable(agent.tag)} is forgotten. Its messages stay.\n`);
}

function checkForgettable(agent: Agent): void {
	const {tag, kind, revoked_at} = agent;
	const presence = presenceOf(agent, Date.now());
	if (kind !== 'agent') throw new MailboxError('forbidden', `${tag} is not an agent.`, 'Only agents can be forgotten.');
	if (revoked_at !== null) {
		throw new MailboxError(
			'conflict',
			`${tag} is revoked, and to forget it would let it in again.`,
			`First run \`agentmux agents restore ${tag}\` if that is what you want.`,
		);
	}
	if (presence === 'away' || presence === 'gone') return;
	throw new MailboxError('conflict', `${tag} is at work (${presence}).`, 'End its client first, or join it no longer.');
}

async function admit(
	invocation: Invocation,
	action: 'revoke' | 'restore' | 'undamp',
	words: readonly string[],
): Promise<void> {
	const {flags, stdout} = invocation;
	const meant = theTag(action, words);
	await withMailbox(invocation, {}, async mailbox => {
		const agent = await mailbox[action](meant);
		const isHere = action === 'restore' && (await replaceToken(invocation, agent.tag));
		if (flags['json'] === true) return writeJson(stdout, agent);
		const {tag} = agent;
		if (action === 'undamp') return write(stdout, p`Mail wakes ${printable(tag)} again.\n`);
		const said = action === 'restore' ? restored(tag, isHere) : revoked(tag, hasOwnerSql(agent));
		return write(
			stdout,
			p`${joinPrintable(
				said.map(line => printable(asTyped(line))),
				'\n',
			)}\n`,
		);
	});
}

async function changeGroup(
	invocation: Invocation,
	action: 'group' | 'ungroup',
	[name, ...words]: readonly string[],
): Promise<void> {
	const example = `For example: agentmux agents ${action} backend CLAUDE_1.`;
	if (name === undefined || words.length === 0) throw new UsageError('Give the name of a group, and tags.', example);
	const tags = words.map(word => asTag(word, 'the tag of an agent'));
	const group = groupName(name);
	checkIsHuman(invocation.env, 'only a human can change groups');
	await withMailbox(invocation, {}, async mailbox => {
		const changed: Agent[] = [];
		for (const tag of tags)
			changed.push(await mailbox.group(tag, action === 'group' ? {add: [group]} : {remove: [group]}));
		if (invocation.flags['json'] === true) return writeJson(invocation.stdout, changed);
		const agents = await mailbox.agents();
		const members = agents.filter(({groups}) => groups.some(each => sameTag(each, group))).map(({tag}) => tag);
		const whom = members.length === 0 ? 'nobody' : members.join(', ');
		await write(invocation.stdout, p`@${printable(group)} addresses ${printable(whom)}.\n`);
	});
}

function theTag(action: string, words: readonly string[]): Tag {
	const [word, ...more] = words;
	if (word !== undefined && more.length === 0) return asTag(word, `the tag to ${action}`);
	throw new UsageError('Give exactly one tag.', `For example: agentmux agents ${action} CLAUDE_1.`);
}

function restored(tag: Tag, isHere: boolean): string[] {
	const token = isHere
		? ''
		: ` If it uses a local hub, run \`agentmux join ${tag}\` in its folder to give it a new token.`;
	return [`${tag} is restored. Messages that came in the meantime are waiting for it.${token}`];
}

function revoked(tag: Tag, isOwner: boolean): string[] {
	const ended = `${tag} is revoked: its tokens have ended, and its connections are closed.`;
	return [
		`${ended} To let it in again: \`agentmux agents restore ${tag}\``,
		...(isOwner ? [`It can still run SQL as the owner: run \`agentmux leave ${tag}\` in its folder to end that.`] : []),
	];
}

function stateOf(agent: Agent, now: number): string {
	if (agent.revoked_at !== null) return 'revoked';
	if (agent.paused !== null) return 'paused';
	return `${presenceOf(agent, now)}${agent.focused ? ', focused' : ''}`;
}
