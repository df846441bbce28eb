import type {McpServer} from '@modelcontextprotocol/sdk/server/mcp.js';
import {z} from 'zod';
import {presenceOf, presences, type Agent} from '../mailbox/agent.ts';
import {sameTag} from '../mailbox/tag.ts';
import {printable} from '../printable.ts';
import {answer, answering} from './answer.ts';
import type {Desk} from './desk.ts';

export function registerListAgents(server: McpServer, desk: Desk): void {
	server.registerTool(
		'list_agents',
		{
			title: 'List agents',
			description:
				'Who takes part and can be addressed as @TAG: every agent that has joined, and the human, with role, presence (gone: ' +
				'silent for five minutes) and when last seen.',
			inputSchema: z.strictObject({}),
			outputSchema: {
				you: z.string(),
				agents: z.array(
					z.object({
						tag: z.string(),
						kind: z.enum(['human', 'agent', 'system']),
						role: z.string().nullable(),
						presence: z.enum([...presences, 'gone']),
						last_seen_at: z.string().nullable(),
					}),
				),
			},
			annotations: {readOnlyHint: true, openWorldHint: false},
		},
		() =>
			answering(async () => {
				const agents = (await (await desk.mailbox()).agents()).filter(({revoked_at}) => revoked_at === null);
				const now = Date.now();
				const data = agents.map(agent => ({
					tag: agent.tag,
					kind: agent.kind,
					role: agent.role,
					presence: presenceOf(agent, now),
					last_seen_at: agent.last_seen_at,
				}));
				return answer([`You are ${desk.tag}.`, ...data.map(agent => agentLine(agent, desk))], {
					you: desk.tag,
					agents: data,
				});
			}),
	);
}

type Listed = Pick<Agent, 'tag' | 'kind' | 'role' | 'last_seen_at'> & {
	readonly presence: ReturnType<typeof presenceOf>;
};

function agentLine({tag, kind, role, presence, last_seen_at}: Listed, desk: Desk): string {
	const you = sameTag(tag, desk.tag) ? ' (you)' : '';
	const what = role === null ? kind : `${kind}, ${role}`;
	return printable(`${tag}${you}: ${what}; ${presence}, last seen ${last_seen_at ?? 'never'}`);
}
