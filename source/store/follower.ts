import type {MailboxEvent, Unsubscribe} from '../mailbox/event.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import type {Intake} from './intake.ts';
import {load, unlessOffline} from './loading.ts';
import {marksIn, seenMarksOf, type SeenMarks} from './state/seen-marks.ts';
import type {State} from './state/state.ts';

/** Milliseconds between two attempts to load a mailbox that could not be reached when the store was opened. */
const loadAgain = 500;

interface FollowerOptions {
	readonly opening: Promise<Mailbox>;
	readonly intake: Intake;
	readonly state: () => State;
	/** Called with each event of the subscription, after it was applied to the state. */
	readonly onEvent: (event: MailboxEvent) => void;
}

/** Loads a mailbox into the state, and follows its changes from then on. */
export interface Follower {
	/** Resolves when the first page has been read; rejects with the MailboxError that kept the mailbox from opening. */
	readonly start: () => Promise<void>;
	/** Sets up to where the human had read at an earlier start. */
	readonly remember: (seen: SeenMarks) => void;
	readonly close: () => void;
}

export function createFollower({opening, intake, state, onEvent}: FollowerOptions): Follower {
	const {apply, receive, isClosed} = intake;
	let unsubscribe: Unsubscribe = () => {};
	let unwatch: Unsubscribe = () => {};
	let kept: SeenMarks | null = null;
	/** The history that replaced another, until it has been loaded, with the marks that are valid in it. */
	let replacement: {readonly epoch: string; readonly kept: SeenMarks | null} | null = null;
	let reading = false;
	/** Resolved when the subscription is joined for the first time. */
	const joined = Promise.withResolvers<void>();

	async function start(): Promise<void> {
		const opened = await opening;
		if (isClosed()) return;
		unwatch = opened.watchBusy(busy => apply({type: 'busy', busy}));
		apply({type: 'identity', identity: await opened.identity()});
		// The subscription's start is fixed before history is read, so the two overlap and no message is lost in between.
		const from = await unlessOffline(opened.cursor());
		const early = from !== null && (await isLoaded(opened)) ? from : null;
		if (isClosed()) return;
		if (early !== null) apply({type: 'loaded', epoch: early.epoch, kept});
		unsubscribe = opened.subscribe(event => follow(opened, event), from);
		if (early !== null) return;
		// The mailbox cannot be reached yet. The subscription reports that, and keeps trying.
		await joined.promise;
		// The connection may break again during the load.
		for (;;) {
			if (isClosed()) return;
			if (await isLoaded(opened)) break;
			await new Promise(resolve => setTimeout(resolve, loadAgain));
		}
		if (isClosed()) return;
		const cursor = await unlessOffline(opened.cursor());
		apply({type: 'loaded', epoch: cursor?.epoch ?? null, kept});
	}

	function follow(opened: Mailbox, event: MailboxEvent): void {
		// The marks of the former history are valid up to the end of the common part.
		const marks = event.type === 'replaced' ? (replacement?.kept ?? seenMarksOf(state())) : null;
		receive(event);
		onEvent(event);
		if (event.type === 'replaced') {
			replacement = {epoch: event.epoch, kept: marks === null ? null : marksIn(event, marks)};
			void reload(opened);
		}
		if (event.type !== 'connection') return;
		const {phase} = event.connection;
		if (phase === 'catching_up' || phase === 'live') joined.resolve();
		if (phase === 'live') void reload(opened);
	}

	async function isLoaded(opened: Mailbox): Promise<boolean> {
		return (await unlessOffline(load(opened, apply).then(() => true))) !== null;
	}

	/** Loads the replacement, unless it is being loaded. If that fails, it is loaded when the connection is live again. */
	async function reload(opened: Mailbox): Promise<void> {
		if (replacement === null || reading) return;
		const current = replacement;
		reading = true;
		const done = await load(opened, apply).then(
			() => true,
			() => false,
		);
		reading = false;
		if (!done) return;
		// The history was replaced once more in the meantime.
		if (replacement !== current) return reload(opened);
		replacement = null;
		apply({type: 'loaded', ...current});
	}

	return {
		start,
		remember(seen) {
			kept = seen;
		},
		close() {
			joined.resolve();
			unwatch();
			unsubscribe();
		},
	};
}
