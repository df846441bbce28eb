import {isShared, presenceOf, type Agent} from '../../mailbox/agent.ts';
import {knownTags, resembled} from '../../mailbox/look-alike.ts';
import {sameTag, type Tag} from '../../mailbox/tag.ts';
import {notice, quotedText} from '../../quotation/agent-text.ts';
import {shortTime} from '../../quotation/message-head.ts';
import {blockSize, shorten} from '../answers/excerpt.ts';
import {margin} from '../answers/room.ts';
import type {Session} from '../session/session.ts';
import {defineTool, type Tool} from '../session/tool.ts';

export function listAgents(session: Session): Tool {
	return defineTool(
		{
			name: 'list_agents',
			title: 'List agents',
			description: 'Lists all agents.',
			input: {},
			readOnly: true,
			rare: true,
		},
		async (_, {room}) => {
			const agents = (await (await session.mailbox()).agents()).filter(({revoked_at}) => revoked_at === null);
			const now = Date.now();
			const known = knownTags(agents);
			let left = room - margin;
			const blocks = agents.map(agent => agentLines(agent, {now, known, reader: session.tag, max: room / 20}));
			const end = blocks.findIndex(lines => {
				left -= blockSize(lines);
				return left < 0;
			});
			const shown = end === -1 ? blocks : blocks.slice(0, end);
			const rest = agents.slice(shown.length).map(({tag}) => tag);
			const named = rest.slice(0, maxNamed).join(', ');
			const others =
				rest.length === 0 ? [] : [`Not shown, for want of room: ${named}${rest.length > maxNamed ? ' …' : ''}.`];
			return [`You are ${session.tag}. ${notice}`, ...shown.flat(), ...others];
		},
	);
}

/** How many of the agents without room are named. */
const maxNamed = 15;

interface Listing {
	readonly now: number;
	readonly known: readonly Tag[];
	readonly reader: Tag;
	/** Maximum bytes of a role. */
	readonly max: number;
}

function agentLines(agent: Agent, {now, known, reader, max}: Listing): string[] {
	const {tag, kind, role, last_seen_at, sessions, groups, paused} = agent;
	const member = groups.length === 0 ? '' : `; in ${groups.map(group => `@${group}`).join(' ')}`;
	const you = sameTag(tag, reader) ? ' (you)' : '';
	const many = isShared(agent, now) ? `; ${sessions} clients share its inbox` : '';
	const other = resembled(tag, known);
	const like = other === null ? '' : `; not ${other}, though the tag looks like it`;
	const seen = last_seen_at === null ? 'never' : shortTime(last_seen_at);
	return [
		`${tag}${you}: ${kind}; ${presenceOf(agent, now)}${paused === null ? '' : ', paused by a human'}, last seen ${seen}${many}${member}${like}`,
		...(role === null ? [] : quotedText(shorten(role, max))),
	];
}
