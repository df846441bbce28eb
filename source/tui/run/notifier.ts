import type {Message} from '../../mailbox/message.ts';
import {sameTag} from '../../mailbox/tag.ts';
import {p, printable, printableLines, type Printable} from '../../printable.ts';
import type {MailboxStore} from '../../store/mailbox-store.ts';
import {isWaitingFor} from '../../store/select.ts';
import type {State} from '../../store/state.ts';
import {layoutOf} from '../model/current-layout.ts';
import {sourceOf} from '../panes/source.ts';
import {viewOf, type Ui, type UiStore} from '../model/ui.ts';

/** Milliseconds between two notifications, at the least: what comes in between is told together. */
const pace = 5000;
/** More messages than this that come at once are not looked through. */
const maxAtOnce = 200;
/** Messages at the end of a pane that may stand on the screen. */
const maxShown = 40;
const longest = 140;

export interface Notifier {
	/** Something came, or was seen. */
	look(): void;
	/** Whether the terminal has the focus; unless it ever says so, it has. */
	setFocused(focused: boolean): void;
	stop(): void;
}

/**
 * Calls the human for messages that address them by name and that they do not look at: the terminal is not in front, or no
 * pane shows the message. Nobody is called for what was there at the start, or for what they wrote. `now`: milliseconds.
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
	/** Ids up to this one were there at the start. */
	let floor: number | null = null;
	let looked: State['messages'] = [];
	let replaced: State['replaced'] = null;
	const handled = new Set<number>();
	let waiting: Message[] = [];
	let latest = -Infinity;
	let timer: NodeJS.Timeout | undefined;

	function look(): void {
		const state = store.getState();
		const {messages, identity} = state;
		if (state.replaced !== replaced) {
			replaced = state.replaced;
			// Its ids are other messages behind what both histories have.
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
		if (waiting.length > 0) timer ??= setTimeout(tell, Math.max(0, latest + pace - now()));
	}

	/** What is older than all that is looked through again need not be remembered. */
	function forget(): void {
		floor = looked.at(-1 - maxAtOnce)?.id ?? floor;
		for (const id of handled) if (id <= (floor ?? 0)) handled.delete(id);
	}

	function tell(): void {
		timer = undefined;
		const state = store.getState();
		const me = state.identity?.tag ?? '';
		const missed = waiting.filter(
			message => isWaitingFor(state, message, me) && !(focused && isShown(state, ui.getState(), message)),
		);
		waiting = [];
		const last = missed.reduce<Message | undefined>(
			(newest, each) => (each.id > (newest?.id ?? 0) ? each : newest),
			undefined,
		);
		if (last === undefined) return;
		latest = now();
		const [line = p``] = printableLines(last.body);
		const text = line.slice(0, Array.from(line).slice(0, longest).join('').length);
		const count = missed.length > 1 ? p`${missed.length} messages for you, the last from ` : '';
		call(p`${count}${printable(last.tag)}: ${text}`);
	}

	return {
		look,
		setFocused(next) {
			focused = next;
		},
		stop: () => clearTimeout(timer),
	};
}

/** Whether a pane has the message in front of the human, or nearly so: it follows what comes, and this is the end of it. */
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
