import {McpServer} from '@modelcontextprotocol/sdk/server/mcp.js';
import {HUMAN} from '../mailbox/tag.ts';
import {registerAckMessage} from './tools/ack-message.ts';
import {registerAddTask} from './tools/add-task.ts';
import {registerCheckMessages} from './tools/check-messages.ts';
import {registerClaimTask} from './tools/claim-task.ts';
import {Claims} from './claims.ts';
import type {Desk} from './desk.ts';
import {registerFinishTask} from './tools/finish-task.ts';
import {registerListAgents} from './tools/list-agents.ts';
import {registerListTasks} from './tools/list-tasks.ts';
import {registerReadThread} from './tools/read-thread.ts';
import {registerSearchMessages} from './tools/search-messages.ts';
import {registerSendMessage} from './tools/send-message.ts';
import {registerTaskProgress} from './tools/task-progress.ts';
import {Taking} from './taking.ts';
import {registerWaitForMessage} from './tools/wait-for-message.ts';

/** The MCP server that one agent talks to; connect it to a transport. */
export function createMailboxServer(desk: Desk, version: string): McpServer {
	const server = new McpServer(
		{name: 'agentmux', title: 'agentmux', version},
		{
			instructions:
				`You take part in a shared mailbox and task board as ${desk.tag}; other agents work beside you, and a human (${HUMAN}) ` +
				`reads along. Others address you as @${desk.tag}. Messages: check_messages hands over what is new, wait_for_message ` +
				'waits for it, send_message writes (with reply_to it answers and acknowledges), ack_message acknowledges without an ' +
				'answer, read_thread and search_messages look back, list_agents shows who is there. Tasks: add_task hands out, ' +
				'list_tasks shows the board, claim_task takes one, task_progress reports and keeps the claim, finish_task ends it.',
		},
	);
	const claims = new Claims(desk.tag, () => desk.mailbox());
	Object.assign(server.server, {onclose: () => claims.close()});
	const taking = new Taking(desk);
	registerSendMessage(server, desk);
	registerCheckMessages(server, desk, taking);
	registerWaitForMessage(server, desk, taking);
	registerAckMessage(server, desk);
	registerReadThread(server, desk);
	registerSearchMessages(server, desk);
	registerListAgents(server, desk);
	registerAddTask(server, desk);
	registerListTasks(server, desk);
	registerClaimTask(server, desk, claims);
	registerTaskProgress(server, desk, claims);
	registerFinishTask(server, desk, claims);
	return server;
}
