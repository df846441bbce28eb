import {McpServer} from '@modelcontextprotocol/sdk/server/mcp.js';
import {HUMAN} from '../mailbox/tag.ts';
import {registerCheckMessages} from './check-messages.ts';
import type {Desk} from './desk.ts';
import {registerListAgents} from './list-agents.ts';
import {registerSearchMessages} from './search-messages.ts';
import {registerSendMessage} from './send-message.ts';
import {registerTaskTools} from './task-tools.ts';

/** The MCP server that one agent talks to; connect it to a transport. */
export function createMailboxServer(desk: Desk, version: string): McpServer {
	const server = new McpServer(
		{name: 'agentmux', title: 'agentmux', version},
		{
			instructions:
				`You take part in a shared mailbox as ${desk.tag}; other agents work beside you, and a human (${HUMAN}) reads along. ` +
				'check_messages hands over what is new for you, send_message answers (reply_to keeps the thread), list_agents shows ' +
				`who is there. ${desk.tag} is your tag: others address you as @${desk.tag}.`,
		},
	);
	registerSendMessage(server, desk);
	registerCheckMessages(server, desk);
	registerSearchMessages(server, desk);
	registerListAgents(server, desk);
	registerTaskTools(server, desk);
	return server;
}
