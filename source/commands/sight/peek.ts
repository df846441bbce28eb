import {setTimeout as sleep} from 'node:timers/promises';
import {presenceOf, type Agent} from '../../mailbox/agent.ts';
import {MailboxError, UsageError} from '../../mailbox/error.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import {contextText, doesNothing, shortCount, stopText, toolText, type Sight} from '../../mailbox/sight/sight.ts';
import {sameTag, type Tag} from '../../mailbox/tag.ts';
import {cutText} from '../../mailbox/text/excerpt.ts';
import {joinPrintable, p, printable, type Printable} from '../../printable.ts';
import type {Command} from '../cli/command.ts';
import {timeOf} from '../cli/message-text.ts';
import {jsonLine, remark, table, write} from '../cli/output.ts';
import {asTag} from '../cli/values.ts';
import {withMailbox} from '../connect/connect.ts';

/** Milliseconds between two looks with --follow. */
const interval = 2000;

const command: Command = {
	summary: 'show what agents do now: their last tool, what they said, their context',
	help: `
		Print what an agent does now: its last tool, what its model said and its user typed last, how full its context is. Without
		a tag, one line for each agent.

		Usage
		  agentmux peek [TAG] [--follow] [--json]

		  --follow      print it again when it has changed, until you press ^c
		  --json        print the row, or the rows as one JSON array; with --follow one such line after the other

		The agent's own server reads it from the files that its client writes anyway, every two seconds while they change, and
		keeps one small row in the mailbox, which humans can read, and no other agent. What looks like a key or a password is
		masked. \`sight = false\` in config.toml, or AGENTMUX_SIGHT=off where the client is started, turns it off.

		How full the context is, and what the session has cost, Claude Code says only to its status line: \`agentmux statusline\`.
		Another agent is named that edited the same file on the same machine within ten minutes; shell commands are not seen.

		Examples
		  agentmux peek
		  agentmux peek CLAUDE_1 --follow
	`,
	flags: {json: {type: 'boolean'}, follow: {type: 'boolean'}},
	async run(invocation) {
		const {input, flags, stdout, stderr} = invocation;
		const [word, ...more] = input;
		if (more.length > 0) throw new UsageError(`Unexpected argument \`${more[0]}\`.`, 'Give one tag, or none.');
		const tag = word === undefined ? null : asTag(word, 'the agent');
		const isJson = flags['json'] === true;
		await withMailbox(invocation, {}, async mailbox => {
			let printed = '';
			do {
				const seen = await look(mailbox, tag);
				const text = isJson ? jsonLine(tag === null ? seen : seen[0]) : textOf(stdout, seen, tag);
				if (text !== printed) await write(stdout, printed === '' || isJson ? text : p`\n${text}`);
				if (seen.length === 0 && printed === '' && !isJson) remark(stderr, 'No agent has joined yet.');
				printed = text;
				if (flags['follow'] === true) await sleep(interval);
			} while (flags['follow'] === true);
		});
	},
};

export default command;

/** An agent, and what is known of what it does. */
type Seen = Pick<Agent, 'tag'> & {readonly presence: string} & Omit<Sight, 'tag'>;

/** All agents, those that work first; or the one. Rejects with MailboxError. */
async function look(mailbox: Mailbox, tag: Tag | null): Promise<Seen[]> {
	const [agents, sights, {tag: me, kind}] = await Promise.all([
		mailbox.agents(),
		mailbox.sight.list(),
		mailbox.identity(),
	]);
	const now = Date.now();
	if (tag !== null && kind === 'agent' && !sameTag(tag, me))
		throw new MailboxError('forbidden', `You are ${me}, and only a human can see what other agents do.`);
	const meant = agents.filter(agent => (tag === null ? agent.kind === 'agent' : sameTag(agent.tag, tag)));
	if (tag !== null && meant.length === 0)
		throw new MailboxError('not_found', `${tag} has not joined.`, '`agentmux agents` lists agents.');
	const seen = meant.map((agent): Seen => {
		const found = sights.find(sight => sameTag(sight.tag, agent.tag));
		const {doing = null, stop = null, files = []} = found ?? {};
		const presence = agent.revoked_at === null ? presenceOf(agent, now) : 'revoked';
		return {tag: agent.tag, presence, doing, stop, files};
	});
	const order = ['blocked', 'working', 'idle', 'away', 'gone', 'revoked'];
	return seen.toSorted((one, other) => order.indexOf(one.presence) - order.indexOf(other.presence));
}

function textOf(stdout: NodeJS.WriteStream, seen: readonly Seen[], tag: Tag | null): Printable {
	const [first] = seen;
	if (first === undefined) return p``;
	if (tag !== null) return card(first);
	const rows = seen.map(each => [
		each.tag,
		each.presence,
		each.doing === null ? '' : (contextText(each.doing) ?? ''),
		lineOf(each),
	]);
	return table(stdout, ['AGENT', 'PRESENCE', 'CONTEXT', 'DOING'], rows);
}

/** The most important of it. */
function lineOf(seen: Seen): string {
	const {doing, files} = seen;
	const {waiting_for, tool, argument, said} = doing ?? doesNothing;
	const stop = stopOf(seen);
	const parts = [
		...(stop === null ? [] : [stop]),
		...(waiting_for === null ? [] : [`waits: ${waiting_for}`]),
		toolText({tool, argument}) ?? said ?? '',
		...files.slice(0, 1).map(({path, tag}) => `(${tag} also edited ${path.slice(path.lastIndexOf('/') + 1)})`),
	];
	return cutText(parts.filter(part => part !== '').join('; '), 120);
}

/** An agent that works again has gone on since. */
function stopOf({stop, presence}: Pick<Seen, 'stop' | 'presence'>): string | null {
	if (stop === null || (stop.stopped_at !== null && presence === 'working')) return null;
	return stopText(stop);
}

/** All of it. */
function card(seen: Seen): Printable {
	const {tag, presence, doing, files} = seen;
	const stop = stopOf(seen);
	const line = (name: string, text: string | null | undefined, at: string | null = null): Printable[] => {
		if (text === null || text === undefined || text === '') return [];
		return [p`  ${printable(name.padEnd(8))}${at === null ? '' : p`${timeOf(at)}  `}${printable(text)}`];
	};
	const context = doing === null ? null : contextText(doing);
	const {cost} = doing ?? doesNothing;
	const head = [
		presence,
		...(doing === null ? [] : [doing.client ?? '', doing.model ?? '', context ?? '']),
		...(cost === null ? [] : [`$${cost.toFixed(2)}`]),
	].filter(word => word !== '');
	const lines = [
		p`${printable(tag)}  ${printable(head.join(', '))}`,
		...line('stop', stop),
		...line('waits', doing?.waiting_for),
		...line('tool', doing === null ? null : toolText(doing), doing?.tool_at),
		...line('said', doing?.said, doing?.said_at),
		...line('prompt', doing?.prompt, doing?.prompted_at),
		...line('context', windowText(doing)),
		...files.flatMap(file => line('file', `${file.path}, which ${file.tag} also edited`, file.edited_at)),
		...line('as of', doing === null ? 'nothing is known' : null),
		...line('as of', doing === null ? null : String(timeOf(doing.updated_at))),
	];
	return joinPrintable([...lines, p``], '\n');
}

function windowText(doing: Seen['doing']): string | null {
	if (doing === null || doing.tokens === null || doing.context_window === null) return null;
	return `${shortCount(doing.tokens)} of ${shortCount(doing.context_window)} tokens`;
}
