import {approvalTitle} from '../../mailbox/approval.ts';
import {isUrgent, type Message} from '../../mailbox/message.ts';
import {sameTag} from '../../mailbox/tag.ts';
import {p, printable, printableLines, type Printable} from '../../printable.ts';
import type {MailboxStore} from '../../store/mailbox-store.ts';
import {isWaitingFor} from '../../store/select.ts';
import type {State} from '../../store/state/state.ts';
import {layoutOf} from '../model/current-layout.ts';
import {sourceOf} from '../panes/source.ts';
import {viewOf, type Ui, type UiStore} from '../model/ui.ts';

/** The minimum time between two notifications, in milliseconds; messages in between are combined. */
const minInterval = 5000;
/** How many new messages are examined at most. */
const maxAtOnce = 200;
/** How many messages at the end of a pane may be on the screen. */
const maxShown = 40;
const maxLength = 140;

export interface Notifier {
	/** Call it when messages arrived or were seen. */
	look(): void;
	/** Whether the terminal has the focus; assumed until it reports otherwise. */
	setFocused(focused: boolean): void;
	stop(): void;
}

/**
 * Notifies the human of messages that mention them and that they cannot see, because the terminal is in the background or no
 * pane shows them, and of requests for permission while the terminal is in the background. Ignores messages from before the start, and the human's own. `now`: milliseconds.
 */
export function createNotifier({
	store,
	ui,
	call,
	now = Date.now,
}: {
	readonly store: MailboxStore;
	readonly ui: UiStore;
	/** Gets one line. */
	readonly call: (sentence: Printable) => void;
	readonly now?: () => number;
}): Notifier {
	let focused = true;
	/** Messages up to this id are ignored. */
	let floor: number | null = null;
	let looked: State['messages'] = [];
	let replaced: State['replaced'] = null;
	const handled = new Set<number>();
	let waiting: Message[] = [];
	/** The newest request for permission that was handled. */
	let newestRequest = 0;
	let latest = -Infinity;
	let timer: NodeJS.Timeout | undefined;

	function look(): void {
		const state = store.getState();
		notifyOfRequests(state);
		const {messages, identity} = state;
		if (state.replaced !== replaced) {
			replaced = state.replaced;
			// Beyond the common history, ids now stand for other messages.
			floor = replaced?.common ?? null;
			handled.clear();
			waiting = [];
		}
		if (!state.loaded || identity === null || messages === looked) return;
		looked = messages;
		if (floor === null) {
			floor = messages.at(-1)?.id ?? 0;
			return;
		}
		for (let at = messages.length - 1; at >= Math.max(0, messages.length - maxAtOnce); at--) {
			const message = messages[at];
			if (message === undefined || message.id <= floor) break;
			if (message.mentions.length === 0 || handled.has(message.id)) continue;
			handled.add(message.id);
			if (isWaitingFor(state, message, identity.tag) && !sameTag(message.author_tag ?? '', identity.tag)) {
				waiting.push(message);
			}
		}
		if (handled.size > 10 * maxAtOnce) forget();
		if (waiting.some(isUrgent)) {
			clearTimeout(timer);
			notify();
		} else if (waiting.length > 0) timer ??= setTimeout(notify, Math.max(0, latest + minInterval - now()));
	}

	/** An agent stands still until somebody answers, so it is not combined with what comes within the next seconds. */
	function notifyOfRequests({approvals}: State): void {
		const last = approvals.at(-1);
		if (last === undefined || last.id <= newestRequest) return;
		newestRequest = last.id;
		if (focused) return;
		const [line = p``] = printableLines(approvalTitle(last));
		call(p`${printable(last.tag)} asks for permission: ${line.slice(0, maxLength)}`);
	}

	/** Forgets messages that are too old to be examined again. */
	function forget(): void {
		floor = looked.at(-1 - maxAtOnce)?.id ?? floor;
		for (const id of handled) if (id <= (floor ?? 0)) handled.delete(id);
	}

	function notify(): void {
		timer = undefined;
		const state = store.getState();
		const me = state.identity?.tag ?? '';
		const missed = waiting.filter(
			message => isWaitingFor(state, message, me) && !(focused && isShown(state, ui.getState(), message)),
		);
		waiting = [];
		const sentence = sentenceOf(missed);
		if (sentence === null) return;
		latest = now();
		call(sentence);
	}

	return {
		look,
		setFocused(next) {
			focused = next;
		},
		stop: () => clearTimeout(timer),
	};
}

/** Says how many there are, and what the newest one says; if one is urgent, what the newest of those says. Null if there are none. */
function sentenceOf(missed: readonly Message[]): Printable | null {
	const pressing = missed.filter(isUrgent);
	const [last] = (pressing.length > 0 ? pressing : missed).toSorted((one, other) => other.id - one.id);
	if (last === undefined) return null;
	const [line = p``] = printableLines(last.body);
	const text = line.slice(0, Array.from(line).slice(0, maxLength).join('').length);
	const which = pressing.length > 0 ? p`an urgent one from ` : p`the last from `;
	const count =
		missed.length > 1 ? p`${missed.length} messages for you, ${which}` : pressing.length > 0 ? p`urgent, ` : p``;
	return p`${count}${printable(last.tag)}: ${text}`;
}

/** Whether a pane that follows the newest shows the message, or nearly so. */
function isShown(state: State, ui: Ui, {id}: Message): boolean {
	return layoutOf(ui).panes.some(pane => {
		if (viewOf(ui, pane.id).anchor !== null) return false;
		const source = sourceOf(state, ui, pane.id);
		for (let at = source.count - 1; at >= Math.max(0, source.count - maxShown); at--) {
			const entry = source.at(at);
			if (entry?.kind === 'message' && entry.message.id === id) return true;
		}
		return false;
	});
}
