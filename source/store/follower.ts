import type {MailboxEvent, Unsubscribe} from '../mailbox/event.ts';
import type {Mailbox} from '../mailbox/mailbox.ts';
import type {Intake} from './intake.ts';
import {load, unlessOffline} from './loading.ts';
import {marksIn, seenMarksOf, type SeenMarks} from './seen-marks.ts';
import type {State} from './state.ts';

/** Milliseconds between two attempts to read what a mailbox holds that was away when the store was opened. */
const loadAgain = 500;

interface FollowerOptions {
	readonly opening: Promise<Mailbox>;
	readonly intake: Intake;
	readonly state: () => State;
	/** Called with each event of the subscription, once the state knows it. */
	readonly onEvent: (event: MailboxEvent) => void;
}

/** Reads a mailbox into the state, and follows it from then on. */
export interface Follower {
	/** Settles when the first page has been read; rejects with the MailboxError that kept the mailbox from opening. */
	readonly start: () => Promise<void>;
	/** Up to where the human had read at an earlier start. */
	readonly remember: (seen: SeenMarks) => void;
	readonly close: () => void;
}

export function createFollower({opening, intake, state, onEvent}: FollowerOptions): Follower {
	const {apply, hear, isClosed} = intake;
	let unsubscribe: Unsubscribe = () => {};
	let unwatch: Unsubscribe = () => {};
	let kept: SeenMarks | null = null;
	/** The history that came in the place of another, until it has been read, with what had been read of it. */
	let unread: {readonly epoch: string; readonly kept: SeenMarks | null} | null = null;
	let reading = false;
	/** The first time that the subscription is joined. */
	const joined = Promise.withResolvers<void>();

	async function start(): Promise<void> {
		const opened = await opening;
		if (isClosed()) return;
		unwatch = opened.watchBusy(busy => apply({type: 'busy', busy}));
		apply({type: 'identity', identity: await opened.identity()});
		// Where the subscription begins is known before history is read, so the two overlap and nothing falls between them.
		const from = await unlessOffline(opened.cursor());
		const early = from !== null && (await isLoaded(opened)) ? from : null;
		if (isClosed()) return;
		if (early !== null) apply({type: 'loaded', epoch: early.epoch, kept});
		unsubscribe = opened.subscribe(event => follow(opened, event), from);
		if (early !== null) return;
		// It cannot be reached yet: the subscription says so, and goes on trying.
		await joined.promise;
		// The connection may break again while it is read.
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
		// What was read of the history before holds up to where both are one.
		const marks = event.type === 'replaced' ? (unread?.kept ?? seenMarksOf(state())) : null;
		hear(event);
		onEvent(event);
		if (event.type === 'replaced') {
			unread = {epoch: event.epoch, kept: marks === null ? null : marksIn(event, marks)};
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

	/** Reads another database that came, unless it is being read; where that fails, it is read when the connection is live again. */
	async function reload(opened: Mailbox): Promise<void> {
		if (unread === null || reading) return;
		const current = unread;
		reading = true;
		const done = await load(opened, apply).then(
			() => true,
			() => false,
		);
		reading = false;
		if (!done) return;
		// And yet another one has come meanwhile.
		if (unread !== current) return reload(opened);
		unread = null;
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
