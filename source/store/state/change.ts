import type {Identity} from '../../mailbox/agent.ts';
import type {Approval} from '../../mailbox/approval.ts';
import type {Busy, MailboxEvent} from '../../mailbox/event.ts';
import type {Message} from '../../mailbox/message.ts';
import type {Channel} from '../../mailbox/query.ts';
import type {FeedId} from './feed.ts';
import type {SeenMarks} from './seen-marks.ts';
import type {Pending} from './state.ts';

/** A change of the state: an event of the mailbox, or something that this program did or read. */
export type Change =
	| MailboxEvent
	| {readonly type: 'identity'; readonly identity: Identity}
	| {readonly type: 'busy'; readonly busy: Busy | null}
	/** The first page of everything has been loaded. `kept`: up to where the human had read at an earlier start. */
	| {readonly type: 'loaded'; readonly epoch?: string | null; readonly kept?: SeenMarks | null}
	| {readonly type: 'channels'; readonly channels: readonly Channel[]}
	/** The newest page of everything. `complete`: there is nothing older. */
	| {readonly type: 'recent'; readonly messages: readonly Message[]; readonly complete: boolean}
	/** A page of a feed before `before`, where its scrollback begins: everything from `lower` on, which is 0 at the beginning. */
	| {
			readonly type: 'older';
			readonly feed: FeedId;
			readonly before: number;
			readonly messages: readonly Message[];
			readonly lower: number;
	  }
	/** A page of a feed from `from` on, where its scrollback ends: everything below `reaches`. */
	| {
			readonly type: 'newer';
			readonly feed: FeedId;
			readonly from: number;
			readonly messages: readonly Message[];
			readonly reaches: number;
	  }
	/** Another part of a feed's history, which replaces its scrollback: all ids from `lower` to below `upper`. */
	| {
			readonly type: 'elsewhere';
			readonly feed: FeedId;
			readonly messages: readonly Message[];
			readonly lower: number;
			readonly upper: number;
			readonly around: number;
	  }
	/** The human scrolled back in a feed, with this id at the bottom edge. Null: it follows the newest message again. */
	| {readonly type: 'look'; readonly feed: FeedId; readonly around: number | null}
	| {readonly type: 'sending'; readonly pending: Pending}
	| {
			readonly type: 'unsent';
			readonly client_id: string;
			readonly phase: Pending['phase'];
			readonly failure: string | null;
	  }
	| {readonly type: 'withdrawn'; readonly client_id: string}
	| {readonly type: 'approvals'; readonly approvals: readonly Approval[]}
	| {readonly type: 'seen'; readonly feed: FeedId; readonly id: number}
	/** Forget the oldest messages beyond this many. */
	| {readonly type: 'trim'; readonly keep: number};
