import {rmSync, statSync} from 'node:fs';
import {readStatus, statusFile, type AgentStatus} from '../../join/status-file.ts';
import {writePrivate} from '../../hub/files/whole-file.ts';
import {goneAt, type Agent} from '../../mailbox/agent.ts';
import type {MailboxEvent} from '../../mailbox/event.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import {isStuck, type Receipt} from '../../mailbox/receipt.ts';
import {foldTag, sameTag, type Tag} from '../../mailbox/tag.ts';

/** Milliseconds after an event, because several come at once. */
const pause = 500;
/** Milliseconds between looks whether a status line was shown. */
const lookInterval = 5000;

/**
 * Keeps the file of an agent's status line up to date, by the events that its server receives anyway. They do not tell when another
 * agent begins or ends to work, so that is asked for while somebody sees the line, and when the agent's own row changes.
 */
export class StatusKeeper {
	readonly #state: string;
	readonly #tag: Tag;
	readonly #agents = new Map<Tag, Agent>();
	readonly #stuck = new Map<number, Receipt>();
	#unread = 0;
	#timer: NodeJS.Timeout | null = null;
	#written = '';
	/** The file's own time as of the last write or look; whoever shows a status line changes it. */
	#fileTime = 0;
	/** Whether a status line was ever shown. */
	#isUsed = false;
	#mailbox: Pick<Mailbox, 'agents'> | null = null;
	#asking = false;
	#clock: NodeJS.Timeout | null = null;
	#ended = false;

	/** `state` is the state folder. */
	constructor(state: string, tag: Tag) {
		this.#state = state;
		this.#tag = tag;
	}

	/** The mailbox, of whose events the file is kept. */
	following(mailbox: Mailbox): Mailbox {
		this.#mailbox = mailbox;
		this.#clock ??= setInterval(() => {
			if (this.#wasShown()) void this.#ask();
		}, lookInterval).unref();
		return {
			...mailbox,
			subscribe: (listener, from, about) =>
				mailbox.subscribe(
					event => {
						this.#onEvent(event);
						listener(event);
					},
					from,
					about,
				),
		};
	}

	/** To be called with the number of messages that nobody has handed over yet. */
	set unread(count: number) {
		this.#unread = count;
		this.#schedule();
	}

	/** Removes the file, unless another client of the agent has written it since. */
	end(): void {
		this.#ended = true;
		if (this.#timer !== null) clearTimeout(this.#timer);
		if (this.#clock !== null) clearInterval(this.#clock);
		if (readStatus(this.#state, this.#tag)?.pid === process.pid)
			rmSync(statusFile(this.#state, this.#tag), {force: true});
	}

	#onEvent(event: MailboxEvent): void {
		if (event.type === 'agents') {
			this.#know(event.agents, event.complete);
			if (this.#isUsed && event.complete !== true) void this.#ask();
		}
		if (event.type === 'receipts') {
			for (const receipt of event.receipts) {
				if (!sameTag(receipt.reader, this.#tag)) continue;
				this.#stuck.delete(receipt.message_id);
				if (isStuck(receipt, Number.POSITIVE_INFINITY)) this.#stuck.set(receipt.message_id, receipt);
			}
		}
		if (event.type === 'receipts') this.#schedule();
	}

	#know(agents: readonly Agent[], complete = false): void {
		if (complete) this.#agents.clear();
		for (const agent of agents) this.#agents.set(foldTag(agent.tag), agent);
		this.#schedule();
	}

	/** Whether a status line was shown since the last write or look. */
	#wasShown(): boolean {
		const time = this.#timeOfFile();
		if (time === this.#fileTime) return false;
		this.#fileTime = time;
		this.#isUsed = true;
		return true;
	}

	#timeOfFile(): number {
		try {
			return statSync(statusFile(this.#state, this.#tag)).mtimeMs;
		} catch {
			// There is none, or it cannot be reached: no reason for the server to end.
			return 0;
		}
	}

	async #ask(): Promise<void> {
		if (this.#asking || this.#ended || this.#mailbox === null) return;
		this.#asking = true;
		try {
			this.#know(await this.#mailbox.agents(), true);
		} catch {
			// The subscription reads all agents when the mailbox is back.
		} finally {
			this.#asking = false;
		}
	}

	#schedule(): void {
		if (this.#ended) return;
		this.#timer ??= setTimeout(() => {
			this.#timer = null;
			this.#write();
		}, pause);
	}

	#write(): void {
		const now = Date.now();
		const others = [...this.#agents.values()].filter(
			agent => agent.presence === 'working' && agent.kind === 'agent' && !sameTag(agent.tag, this.#tag),
		);
		const status: AgentStatus = {
			pid: process.pid,
			unread: this.#unread,
			stuck: [...this.#stuck.values()].filter(receipt => isStuck(receipt, now)).length,
			working: others.map(agent => ({tag: agent.tag, until: goneAt(agent) ?? now})),
		};
		const text = `${JSON.stringify(status)}\n`;
		if (this.#ended) return;
		// Another client of the agent may have ended since, and with it its file.
		if (text === this.#written && readStatus(this.#state, this.#tag) !== null) return;
		try {
			// It need not survive a power cut.
			writePrivate(statusFile(this.#state, this.#tag), text, {sync: false});
			this.#written = text;
			this.#fileTime = this.#timeOfFile();
		} catch {
			// The next event tries again.
		}
	}
}
