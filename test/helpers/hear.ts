import type {Agent} from '../../source/mailbox/agent.ts';
import type {About, Connection, Cursor, RemovedRow, Replaced, Unsubscribe} from '../../source/mailbox/event.ts';
import type {Mailbox} from '../../source/mailbox/mailbox.ts';
import type {Message} from '../../source/mailbox/message.ts';
import type {Receipt} from '../../source/mailbox/receipt.ts';
import type {Task} from '../../source/mailbox/task.ts';

/** The events that a subscriber has received so far. */
export interface Heard {
	readonly messages: Message[];
	readonly contents: string[];
	readonly cursors: Cursor[];
	readonly tasks: Task[];
	readonly agents: Agent[];
	readonly receipts: Receipt[];
	readonly phases: Connection['phase'][];
	/** Histories that replaced another. */
	readonly replaced: Replaced[];
	/** The reasons of being offline. */
	readonly offline: string[];
	readonly redacted: Message[];
	/** The keys of deleted rows. */
	readonly removed: RemovedRow[];
	/** Resolves when the condition holds, looked at after each event; fails after `ms`. */
	until(condition: () => boolean, ms?: number): Promise<void>;
	/** Resolves when the last phase told is live. */
	live(): Promise<void>;
	stop: Unsubscribe;
}

/** Subscribes and records all events. */
export function hear(mailbox: Mailbox, from: Cursor | null = null, about?: About): Heard {
	const waiting = new Set<() => void>();
	const heard: Omit<Heard, 'stop'> = {
		messages: [],
		contents: [],
		cursors: [],
		tasks: [],
		agents: [],
		receipts: [],
		phases: [],
		replaced: [],
		offline: [],
		redacted: [],
		removed: [],
		live: () => heard.until(() => heard.phases.at(-1) === 'live'),
		until: (condition, ms = 30_000) =>
			new Promise((resolve, reject) => {
				const timer = setTimeout(() => {
					waiting.delete(look);
					const {phases, contents, offline} = heard;
					const last = contents.slice(-5).map(content => content.slice(0, 80));
					reject(new Error(`not heard: ${String(condition)}; heard ${JSON.stringify({phases, offline, last})}`));
				}, ms);
				const look = (): void => {
					if (!condition()) return;
					clearTimeout(timer);
					waiting.delete(look);
					resolve();
				};
				waiting.add(look);
				look();
			}),
	};
	const stop = mailbox.subscribe(
		event => {
			if (event.type === 'connection') {
				heard.phases.push(event.connection.phase);
				if (event.connection.phase === 'offline') heard.offline.push(event.connection.reason);
			} else if (event.type === 'messages') {
				heard.messages.push(...event.messages);
				heard.contents.push(...event.messages.map(({content}) => content));
			} else if (event.type === 'cursor') heard.cursors.push(event.cursor);
			else if (event.type === 'tasks') heard.tasks.push(...event.tasks);
			else if (event.type === 'agents') heard.agents.push(...event.agents);
			else if (event.type === 'replaced') heard.replaced.push(event);
			else if (event.type === 'removed') heard.removed.push(event.row);
			else if (event.type === 'redacted') heard.redacted.push(...event.messages);
			else heard.receipts.push(...event.receipts);
			for (const look of waiting) look();
		},
		from,
		about,
	);
	return Object.assign(heard, {stop});
}
