import {hasOwnerSql, isShared, presenceOf} from '../mailbox/agent.ts';
import {UsageError} from '../mailbox/error.ts';
import {knownTags, resembled} from '../mailbox/look-alike.ts';
import {joinPrintable, p, printable, type Printable} from '../printable.ts';
import type {Command, Invocation} from './cli/command.ts';
import {replaceToken, withMailbox} from './connect/connect.ts';
import {remarkFailedHooks} from './cli/failed-hooks.ts';
import {timeOf} from './cli/message-text.ts';
import {remark, table, write, writeJson} from './cli/output.ts';
import {unknownSubcommand} from './cli/subcommand.ts';
import {asTag} from './cli/values.ts';

const command: Command = {
	summary: 'who has joined, and when last seen; revoke and restore',
	help: `
		List who has joined, or take from an agent the right to take part.

		Usage
		  agentmux agents [--json]
		  agentmux agents revoke TAG      its tokens end: it is refused, and its connections are closed, until it is restored
		  agentmux agents restore TAG     let it in again; messages that came meanwhile are kept for it

		  --json        the row, or one JSON array of the rows

		An agent that was not heard of for five minutes, and did not say that it leaves, is gone. Hooks that failed in the
		last day are reported on stderr. An agent with \`owner SQL\` was joined with --owner-sql, and can write as anybody.

		Examples
		  agentmux agents
		  agentmux agents revoke CLAUDE_1
	`,
	flags: {json: {type: 'boolean'}},
	async run(invocation) {
		const [action, ...words] = invocation.input;
		if (action === undefined || action === 'list') return list(invocation, words);
		if (action === 'revoke' || action === 'restore') return admit(invocation, action, words);
		throw unknownSubcommand('agents', action, ['list', 'revoke', 'restore']);
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
				'Nobody has joined yet: `agentmux join CLAUDE_1 --dir DIR` lets the Claude terminal in DIR take part.',
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
			if (like !== null) remark(stderr, `${tag} looks like ${like}, and is another.`);
		}
		for (const agent of agents.filter(each => isShared(each, now))) {
			remark(
				stderr,
				`${agent.sessions} clients work as ${agent.tag} and share its inbox: each message reaches one of them. Let one join under a tag of its own.`,
			);
		}
	});
}

async function admit(invocation: Invocation, action: 'revoke' | 'restore', words: readonly string[]): Promise<void> {
	const {flags, stdout} = invocation;
	const [word, ...more] = words;
	if (word === undefined || more.length > 0) {
		throw new UsageError('Give one agent at a time.', `Give its tag: agentmux agents ${action} CLAUDE_1.`);
	}
	const meant = asTag(word, `the tag to ${action}`);
	await withMailbox(invocation, {}, async mailbox => {
		const agent = await mailbox[action](meant);
		const isHere = action === 'restore' && (await replaceToken(invocation, agent.tag));
		if (flags['json'] === true) return writeJson(stdout, agent);
		const tag = printable(agent.tag);
		return write(stdout, action === 'restore' ? restored(tag, isHere) : revoked(tag, hasOwnerSql(agent)));
	});
}

function restored(tag: Printable, isHere: boolean): Printable {
	const token = isHere
		? p``
		: p` Where it runs on a local hub, \`agentmux join ${tag}\` in its folder makes it a new token.`;
	return p`${tag} takes part again. What came meanwhile waits for it.${token}\n`;
}

function revoked(tag: Printable, isOwner: boolean): Printable {
	const owner = p`Its SQL is the owner's, and runs all the same: agentmux leave ${tag} in its folder takes that away.`;
	return joinPrintable(
		[
			p`${tag} is revoked: its tokens have ended, and its connections are closed. agentmux agents restore ${tag} lets it in again.`,
			...(isOwner ? [owner] : []),
			'',
		],
		'\n',
	);
}
