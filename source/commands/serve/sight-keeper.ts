import {statSync} from 'node:fs';
import {basename} from 'node:path';
import {loadConfig} from '../../config.ts';
import {clientStatus} from '../../join/clients/client-status.ts';
import {SessionFile, sessionsBelow, sessionsFolder} from '../../join/hook/hook-session.ts';
import {keptStatusLine} from '../../join/sight/status-line.ts';
import {Tail} from '../../join/sight/tail.ts';
import {readTranscriptLine} from '../../join/sight/transcript.ts';
import {cutText} from '../../mailbox/text/excerpt.ts';
import {MailboxError} from '../../mailbox/error.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import {doesNothing, type Doing} from '../../mailbox/sight/sight.ts';
import type {Tag} from '../../mailbox/tag.ts';
import type {Paths} from '../../paths.ts';

interface SightOptions {
	readonly env: NodeJS.ProcessEnv;
	readonly paths: Pick<Paths, 'state' | 'config'>;
	readonly tag: Tag;
	/** The client's key; null if it does not identify itself. */
	readonly client: string | null;
	readonly mailbox: () => Promise<Pick<Mailbox, 'sight'>>;
	/** The process of the client. */
	readonly parent?: number;
	/** Milliseconds between two looks. */
	readonly every?: number;
}

/** Milliseconds for which a mailbox is left alone that knows nothing of this: it is of an earlier version. */
const lackingFor = 600_000;

/**
 * Shows in the mailbox what the client of an agent's server does: reads the end of the client's own record of its session, which its
 * hooks name, when that has changed. Where this is off, it reads nothing and removes what was shown.
 */
export class SightKeeper {
	readonly #options: SightOptions;
	readonly #clock: NodeJS.Timeout;
	readonly #isOn: () => Promise<boolean>;
	#tail: Tail | null = null;
	#doing: Doing = doesNothing;
	/** What was shown last, as JSON; `null` where nothing is. */
	#shown = '';
	#session: SessionFile | null = null;
	#busy = false;
	#until = 0;

	constructor(options: SightOptions) {
		const {every = 2000, client, paths} = options;
		this.#options = options;
		this.#isOn = sightSwitch(options);
		if (client !== null) this.#session = new SessionFile(sessionsFolder(paths.state), client);
		this.#clock = setInterval(() => void this.#look(), every).unref();
	}

	end(): void {
		clearInterval(this.#clock);
	}

	async #look(): Promise<void> {
		if (this.#busy || performance.now() < this.#until) return;
		this.#busy = true;
		try {
			const doing = (await this.#isOn()) ? this.#read() : this.#forget();
			const text = JSON.stringify(doing);
			// Nothing is known before the first hook has run; what the client did before it was started again stays.
			if (text === this.#shown || doing === doesNothing) return;
			await (await this.#options.mailbox()).sight.show(doing, this.#key());
			this.#shown = text;
		} catch (error) {
			// The next look tries again; where the mailbox is opened, its errors are reported.
			if (error instanceof MailboxError && error.code === 'schema') this.#until = performance.now() + lackingFor;
		} finally {
			this.#busy = false;
		}
	}

	#forget(): null {
		this.#tail = null;
		this.#doing = doesNothing;
		return null;
	}

	#key(): string | undefined {
		return this.#options.client ?? this.#session?.read().owner?.session;
	}

	#read(): Doing {
		const {env, tag, paths} = this.#options;
		const path = this.#transcript();
		if (path !== (this.#tail?.path ?? null)) {
			this.#forget();
			this.#tail = path === null ? null : new Tail(path);
		}
		const lines = this.#tail?.read() ?? null;
		// An idle client whose record is as it was does nothing.
		if (lines === null && (this.#doing.status ?? 'idle') === 'idle') return this.#doing;
		const read = (lines ?? []).map(readTranscriptLine).filter(each => Object.keys(each).length > 0);
		const status = clientStatus(env);
		const session = path === null ? '' : basename(path, '.jsonl');
		const line = keptStatusLine(paths.state, tag, session);
		this.#doing = Object.assign({...this.#doing}, ...read, line === null ? {} : known(line), {
			status: status?.status ?? null,
			waiting_for: status?.waitingFor === undefined ? null : cutText(status.waitingFor, 60),
		}) as Doing;
		return this.#doing;
	}

	/** A client that does not identify itself is known by the processes above its hooks. */
	#transcript(): string | null {
		const {paths, tag, client, parent = process.ppid} = this.#options;
		if (client === null && this.#session?.exists() !== true)
			this.#session = sessionsBelow(paths.state, tag, parent)[0] ?? null;
		return this.#session?.read().transcript ?? null;
	}
}

function known({cost, context_window, model}: Pick<Doing, 'cost' | 'context_window' | 'model'>): Partial<Doing> {
	return {
		...(cost === null ? {} : {cost}),
		...(context_window === null ? {} : {context_window}),
		...(model === null ? {} : {model}),
	};
}

/** Whether it is on now: the config file is read again when it was changed. Off while that has a fault. */
function sightSwitch({env, paths}: Pick<SightOptions, 'env' | 'paths'>): () => Promise<boolean> {
	let time: number | null = null;
	let isOn = false;
	return async () => {
		const changed = timeOf(paths.config);
		if (changed === time) return isOn;
		isOn = await loadConfig({env}).then(
			({sight}) => sight,
			() => false,
		);
		time = changed;
		return isOn;
	};
}

/** When a file was last changed; 0 if there is none. */
function timeOf(path: string): number {
	try {
		return statSync(path).mtimeMs;
	} catch {
		return 0;
	}
}
