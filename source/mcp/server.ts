import {McpServer} from '@modelcontextprotocol/sdk/server/mcp.js';
import {HUMAN} from '../mailbox/tag.ts';
import {registerAckMessage} from './tools/ack-message.ts';
import {registerAddTask} from './tools/add-task.ts';
import {registerCheckMessages} from './tools/check-messages.ts';
import {registerClaimTask} from './tools/claim-task.ts';
import {Claims} from './session/claims.ts';
import type {Session} from './session/session.ts';
import {registerFinishTask} from './tools/finish-task.ts';
import {registerListAgents} from './tools/list-agents.ts';
import {registerListTasks} from './tools/list-tasks.ts';
import {registerReadThread} from './tools/read-thread.ts';
import {registerSearchMessages} from './tools/search-messages.ts';
import {registerSendMessage} from './tools/send-message.ts';
import {registerTaskProgress} from './tools/task-progress.ts';
import {Taking} from './session/taking.ts';
import {registerWaitForMessage} from './tools/wait-for-message.ts';

/** The MCP server of one agent; connect it to a transport. */
export function createMailboxServer(session: Session, version: string): McpServer {
	const server = new McpServer(
		{name: 'agentmux', title: 'agentmux', version},
		{
			instructions:
				`You take part in a shared mailbox and task board as ${session.tag}, together with other agents and a human (${HUMAN}) ` +
				`who reads along. Others address you as @${session.tag}. Messages: check_messages returns new ones, wait_for_message ` +
				'waits for one, send_message writes (with reply_to it answers and acknowledges), ack_message acknowledges without an ' +
				'answer, read_thread and search_messages look back, list_agents shows who takes part. Tasks: add_task adds one, ' +
				'list_tasks shows the board, claim_task claims one, task_progress reports and renews the claim, finish_task ends it.',
		},
	);
	const claims = new Claims(session.tag, () => session.mailbox());
	Object.assign(server.server, {onclose: () => claims.close()});
	const taking = new Taking(session);
	registerSendMessage(server, session);
	registerCheckMessages(server, session, taking);
	registerWaitForMessage(server, session, taking);
	registerAckMessage(server, session);
	registerReadThread(server, session);
	registerSearchMessages(server, session);
	registerListAgents(server, session);
	registerAddTask(server, session);
	registerListTasks(server, session);
	registerClaimTask(server, session, claims);
	registerTaskProgress(server, session, claims);
	registerFinishTask(server, session, claims);
	return server;
}
