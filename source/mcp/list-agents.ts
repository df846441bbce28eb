import type {McpServer} from '@modelcontextprotocol/sdk/server/mcp.js';
import {z} from 'zod';
import {presences, type Agent} from '../mailbox/agent.ts';
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
				'Who takes part: every agent that has joined, and the human, with role, presence and when last seen.',
			inputSchema: {},
			outputSchema: {
				you: z.string(),
				agents: z.array(
					z.object({
						tag: z.string(),
						kind: z.enum(['human', 'agent', 'system']),
						role: z.string().nullable(),
						presence: z.enum(presences),
						last_seen_at: z.string().nullable(),
					}),
				),
			},
			annotations: {readOnlyHint: true, openWorldHint: false},
		},
		() =>
			answering(async () => {
				const agents = (await (await desk.mailbox()).agents()).filter(({revoked_at}) => revoked_at === null);
				const data = agents.map(({tag, kind, role, presence, last_seen_at}) => ({
					tag,
					kind,
					role,
					presence,
					last_seen_at,
				}));
				return answer([`You are ${desk.tag}.`, ...agents.map(agent => agentLine(agent, desk))], {
					you: desk.tag,
					agents: data,
				});
			}),
	);
}

function agentLine({tag, kind, role, presence, last_seen_at}: Agent, desk: Desk): string {
	const you = sameTag(tag, desk.tag) ? ' (you)' : '';
	const what = role === null ? kind : `${kind}, ${role}`;
	return printable(`${tag}${you}: ${what}; ${presence}, last seen ${last_seen_at ?? 'never'}`);
}
