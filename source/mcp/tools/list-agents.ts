import type {McpServer} from '@modelcontextprotocol/sdk/server/mcp.js';
import {z} from 'zod';
import {isShared, presenceOf, presences} from '../../mailbox/agent.ts';
import {knownTags, resembled} from '../../mailbox/look-alike.ts';
import {sameTag} from '../../mailbox/tag.ts';
import {notice, quotedText} from '../../quotation/agent-text.ts';
import {answer, answering} from '../answers/answer.ts';
import type {Session} from '../session/session.ts';

const listedAgent = z.object({
	tag: z.string(),
	kind: z.enum(['human', 'agent', 'system']),
	role: z.string().optional().describe('What it does, in its own words.'),
	looks_like: z.string().optional().describe('Another tag that this one can be mistaken for.'),
	presence: z.enum([...presences, 'gone']),
	last_seen_at: z.string().optional(),
	sessions: z.number().int().optional().describe('Present if several clients use this tag and share its inbox.'),
});

export function registerListAgents(server: McpServer, session: Session): void {
	server.registerTool(
		'list_agents',
		{
			title: 'List agents',
			description:
				'Lists who takes part and can be addressed as @TAG: every agent that has joined, and the human, with role, presence ' +
				'(gone: silent for five minutes) and the time last seen.',
			inputSchema: z.strictObject({}),
			outputSchema: {notice: z.string(), you: z.string(), agents: z.array(listedAgent)},
			annotations: {readOnlyHint: true, openWorldHint: false},
		},
		() =>
			answering(async () => {
				const agents = (await (await session.mailbox()).agents()).filter(({revoked_at}) => revoked_at === null);
				const now = Date.now();
				const known = knownTags(agents);
				const data = agents.map(agent => ({
					tag: agent.tag,
					kind: agent.kind,
					role: agent.role ?? undefined,
					looks_like: resembled(agent.tag, known) ?? undefined,
					presence: presenceOf(agent, now),
					last_seen_at: agent.last_seen_at ?? undefined,
					sessions: isShared(agent, now) ? agent.sessions : undefined,
				}));
				return answer([`You are ${session.tag}. ${notice}`, ...data.flatMap(agent => agentLines(agent, session))], {
					notice,
					you: session.tag,
					agents: data,
				});
			}),
	);
}

function agentLines(
	{tag, kind, role, looks_like, presence, last_seen_at, sessions}: z.infer<typeof listedAgent>,
	session: Session,
): string[] {
	const you = sameTag(tag, session.tag) ? ' (you)' : '';
	const many = sessions === undefined ? '' : `; ${sessions} clients share its inbox`;
	const like = looks_like === undefined ? '' : `; not ${looks_like}, though the tag looks like it`;
	return [
		`${tag}${you}: ${kind}; ${presence}, last seen ${last_seen_at ?? 'never'}${many}${like}`,
		...(role === undefined ? [] : quotedText(role)),
	];
}
