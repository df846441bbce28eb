import type {Agent} from '../../mailbox/agent.ts';
import {MailboxError} from '../../mailbox/error.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {Arguments, Requests} from './requests.ts';
import {rows} from './columns.ts';
import {readAgent} from './rows.ts';

/** Reads and changes agents. */
export function createAgents(
	requests: Requests,
): Pick<Mailbox, 'agents' | 'touch' | 'revoke' | 'restore' | 'undamp' | 'group' | 'pause' | 'resume' | 'focus'> {
	/** Calls a function that returns the agent that it changed. */
	async function change<
		Name extends 'agent_touch' | 'agent_revoke' | 'agent_restore' | 'agent_undamp' | 'agent_groups',
	>(name: Name, args: Arguments<Name>): Promise<Agent> {
		const [agent] = rows(readAgent, await requests.rpc(name, args));
		if (agent === undefined) throw new MailboxError('internal', `${name} answered without a row.`);
		return agent;
	}

	return {
		agents: () => requests.table(readAgent, client => client.from('agents').select().order('joined_at')),

		touch: ({presence, role, session, wake, quiet}) =>
			change('agent_touch', {
				p_presence: presence ?? null,
				p_role: role ?? null,
				p_session: session ?? null,
				p_wake: wake ?? null,
				...(quiet === undefined ? {} : {p_quiet: quiet}),
			}),

		revoke: tag => change('agent_revoke', {p_tag: tag}),

		restore: tag => change('agent_restore', {p_tag: tag}),

		group: (tag, {add = [], remove = []}) =>
			change('agent_groups', {p_tag: tag, p_add: [...add], p_remove: [...remove]}),
		pause: async (tag, reason) =>
			rows(readAgent, await requests.rpc('agent_pause', {p_tag: tag, p_reason: reason ?? null, p_all: tag === null})),

		resume: async tag => rows(readAgent, await requests.rpc('agent_resume', {p_tag: tag, p_all: tag === null})),

		focus: async (tag, focused) =>
			rows(readAgent, await requests.rpc('agent_focus', {p_tag: tag, p_all: tag === null, p_focused: focused})),

		undamp: tag => change('agent_undamp', {p_tag: tag}),
	};
}
