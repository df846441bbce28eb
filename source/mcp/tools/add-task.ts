import {randomUUID} from 'node:crypto';
import {z} from 'zod';
import {MailboxError} from '../../mailbox/error.ts';
import {RecentMap} from '../../mailbox/recent.ts';
import {listed} from '../answers/listed.ts';
import {JoinedTags} from '../answers/unknown-tags.ts';
import {idSchema, plainText, queueSchema, tagSchema} from '../arguments/common.ts';
import type {Session} from '../session/session.ts';
import {defineTool, type Tool} from '../session/tool.ts';

/** How many unconfirmed tasks are remembered; each may be long. */
const maxUnconfirmed = 20;

export function addTask(session: Session): Tool {
	// The keys of unconfirmed tasks, by their contents: if the agent tries again, the task is added only once.
	const unconfirmed = new RecentMap<string, string>(maxUnconfirmed);
	const joined = new JoinedTags();

	return defineTool(
		{
			name: 'add_task',
			title: 'Add a task',
			description: 'Adds a task, or with steps a plan.',
			input: {
				title: plainText(1000),
				body: plainText(100_000).optional(),
				queue: queueSchema.optional(),
				to: tagSchema.optional().describe('only for'),
				priority: z.number().int().min(-1000).max(1000).default(0).describe('higher first'),
				steps: z
					.array(z.strictObject({title: plainText(1000), body: plainText(100_000).optional()}))
					.min(1)
					.max(100)
					.optional(),
				in_order: z.boolean().default(true).describe('steps wait for each other'),
				parent_id: idSchema.optional().describe('its plan'),
				position: z.number().int().min(0).max(1_000_000).optional(),
				depends_on: z.array(idSchema).max(100).optional(),
				message_id: idSchema.optional().describe('asked for it'),
				idem_key: plainText(200).optional(),
			},
		},
		async ({steps, in_order, to, ...fields}) => {
			const contents = JSON.stringify([steps, in_order, to, fields]);
			const idem_key = fields.idem_key ?? unconfirmed.get(contents) ?? randomUUID();
			unconfirmed.set(contents, idem_key);
			const draft = {...given({...fields, assignee: to}), idem_key};
			const mailbox = await session.mailbox();
			const {tasks} = mailbox;
			const added =
				steps === undefined ? [await tasks.add(draft)] : await tasks.plan(draft, steps.map(given), in_order);
			unconfirmed.delete(contents);
			const [task, ...addedSteps] = added;
			if (task === undefined) throw new MailboxError('internal', 'The server accepted the task but returned no row.');
			const {id, queue, status, assignee} = task;
			const where = assignee === null ? `in queue ${queue}` : `for ${assignee}`;
			const next =
				'When it can be claimed, an idle agent is woken. You are told how it ends (for a step, how its plan ends).';
			// A failure here is ignored: the task was added, and an error would make the agent add it twice.
			const assigned = assignee === null ? [] : [assignee];
			const unknown = await joined.unknownLines(mailbox, assigned, 'task').catch(() => []);
			if (addedSteps.length === 0) return [`Task #${id} is ${status} ${where}. ${next}`, ...unknown];
			const ids = listed(addedSteps.map(step => step.id));
			return [`Plan #${id} is ${where} with the steps ${ids}. ${next}`, ...unknown];
		},
	);
}

/** Without the fields that were not given. */
function given<T extends object>(fields: T): {[K in keyof T]: Exclude<T[K], undefined>} {
	return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
		[K in keyof T]: Exclude<T[K], undefined>;
	};
}
