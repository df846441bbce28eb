import {hasOwnerSql, isShared, maxWakes, presenceOf} from '../mailbox/agent.ts';
import {UsageError} from '../mailbox/error.ts';
import {knownTags, resembled} from '../mailbox/look-alike.ts';
import {joinPrintable, p, printable, type Printable} from '../printable.ts';
import type {Command, Invocation} from './cli/command.ts';
import {replaceToken} from './connect/credentials.ts';
import {withMailbox} from './connect/connect.ts';
import {remarkFailedHooks} from './cli/failed-hooks.ts';
import {timeOf} from './cli/message-text.ts';
import {remark, table, write, writeJson} from './cli/output.ts';
import {unknownSubcommand} from './cli/subcommand.ts';
import {asTag} from './cli/values.ts';

const command: Command = {
	summary: 'list, revoke and restore agents, and let damped ones go on',
	help: `
		List the agents that have joined, or revoke an agent's access.

		Usage
		  agentmux agents [--json]
		  agentmux agents revoke TAG      end its tokens and close its connections; it is refused until it is restored
		  agentmux agents restore TAG     let it in again; messages that came in the meantime were kept for it

		  --json        print the row, or the rows as one JSON array

		An agent that has given no sign of life for five minutes, and did not sign off, is shown as gone. Hooks that failed
		in the last day are reported on stderr. An agent marked \`owner SQL\` was joined with --owner-sql and can write as
		anyone.

		Examples
		  agentmux agents
		  agentmux agents revoke CLAUDE_1
	`,
	flags: {json: {type: 'boolean'}},
	async run(invocation) {
		const [action, ...words] = invocation.input;
		if (action === undefined || action === 'list') return list(invocation, words);
		if (action === 'revoke' || action === 'restore' || action === 'undamp') return admit(invocation, action, words);
		throw unknownSubcommand('agents', action, ['list', 'revoke', 'restore', 'undamp']);
	},
};

export default command;

async function list(invocation: Invocation, words: readonly string[]): Promise<void> {
	const {flags, stdout, stderr} = invocation;
	if (words.length > 0)
		throw new UsageError('`agentmux agents list` takes no arguments.', 'See `agentmux agents --help`.');
	remarkFailedHooks(invocation);
	await withMailbox(invocation, {}, async mailbox => {
		const now = Date.now();
		const agents = await mailbox.agents();
		if (flags['json'] === true) {
			return writeJson(
				stdout,
				agents.map(agent => ({...agent, presence: presenceOf(agent, now), owner_sql: hasOwnerSql(agent)})),
			);
		}
		if (agents.length === 0) {
			return remark(
				stderr,
				'No agent has joined yet. `agentmux join CLAUDE_1 --dir DIR` sets up the Claude terminal in DIR.',
			);
		}
		const anyOwner = agents.some(hasOwnerSql);
		const rows = agents.map(agent => [
			agent.tag,
			agent.kind,
			agent.revoked_at === null ? presenceOf(agent, now) : 'revoked',
			...(anyOwner ? [hasOwnerSql(agent) ? 'owner SQL' : ''] : []),
			agent.last_seen_at === null ? 'never' : timeOf(agent.last_seen_at),
			agent.role ?? '',
		]);
		await write(
			stdout,
			table(stdout, ['TAG', 'KIND', 'PRESENCE', ...(anyOwner ? ['SQL'] : []), 'LAST SEEN', 'ROLE'], rows),
		);
		const known = knownTags(agents);
		for (const {tag} of agents) {
			const like = resembled(tag, known);
			if (like !== null) remark(stderr, `${tag} looks like ${like}, but is a different tag.`);
		}
		for (const {tag, damped} of agents.filter(each => each.damped !== null)) {
			remark(
				stderr,
				`${tag} is no longer woken by ${damped}: they woke each other ${maxWakes} times without other work. To let them go on: agentmux agents undamp ${tag}`,
			);
		}
		for (const agent of agents.filter(each => isShared(each, now))) {
			remark(
				stderr,
				`${agent.sessions} clients work as ${agent.tag} and share its inbox: each message reaches only one of them. Join one of them under another tag.`,
			);
		}
	});
}

async function admit(invocation: Invocation, action: 'revoke' | 'restore' | 'undamp', words: readonly string[]): Promise<void> {
	const {flags, stdout} = invocation;
	const [word, ...more] = words;
	if (word === undefined || more.length > 0) {
		throw new UsageError('Give exactly one tag.', `For example: agentmux agents ${action} CLAUDE_1.`);
	}
	const meant = asTag(word, `the tag to ${action}`);
	await withMailbox(invocation, {}, async mailbox => {
		const agent = await mailbox[action](meant);
		const isHere = action === 'restore' && (await replaceToken(invocation, agent.tag));
		if (flags['json'] === true) return writeJson(stdout, agent);
		const tag = printable(agent.tag);
		if (action === 'undamp') return write(stdout, p`Mail wakes ${tag} again.\n`);
		return write(stdout, action === 'restore' ? restored(tag, isHere) : revoked(tag, hasOwnerSql(agent)));
	});
}

function restored(tag: Printable, isHere: boolean): Printable {
	const token = isHere
		? p``
		: p` If it uses a local hub, run \`agentmux join ${tag}\` in its folder to give it a new token.`;
	return p`${tag} is restored. Messages that came in the meantime are waiting for it.${token}\n`;
}

function revoked(tag: Printable, isOwner: boolean): Printable {
	const owner = p`It can still run SQL as the owner: run agentmux leave ${tag} in its folder to end that.`;
	return joinPrintable(
		[
			p`${tag} is revoked: its tokens have ended, and its connections are closed. To let it in again: agentmux agents restore ${tag}`,
			...(isOwner ? [owner] : []),
			'',
		],
		'\n',
	);
}
