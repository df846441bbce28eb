import type {Mailbox} from '../../mailbox/mailbox.ts';
import {rows} from './columns.ts';
import type {Requests} from './requests.ts';
import {readSight, readStopAsked} from './sight-rows.ts';

/** `sight` of the Mailbox. */
export function createSight(requests: Requests): Mailbox['sight'] {
	return {
		list: () =>
			requests.newer(
				'sights',
				async () => rows(readSight, await requests.rpc('sights', {})),
				async () => [],
			),

		async show(doing, session) {
			await requests.rpc('sight_set', {p_sight: doing === null ? null : {...doing}, p_session: session ?? null});
		},

		// Made twice, it would only ask again.
		stop: async (tag, reason) =>
			rows(readStopAsked, await requests.rpc('agent_stop', {p_tag: tag, p_reason: reason ?? null})),
	};
}
