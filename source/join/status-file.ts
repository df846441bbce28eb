import {utimesSync} from 'node:fs';
import {join} from 'node:path';
import {readOwnFile} from '../hub/files/whole-file.ts';
import {foldTag, type Tag} from '../mailbox/tag.ts';
import {maxWaiting} from './waker.ts';

/** What an agent's server last knew, for a status line that must not wait for a network. */
export interface AgentStatus {
	/** The server that wrote it: if that has ended, the rest is old. */
	readonly pid: number;
	/** Messages that nobody has handed over yet; at most `maxWaiting` are counted. */
	readonly unread: number;
	/** Messages that were handed over as often as allowed. */
	readonly stuck: number;
	/** The other agents that work, each until it counts as gone (milliseconds since 1970) without a sign of life. */
	readonly working: readonly {readonly tag: Tag; readonly until: number}[];
}

/** `state` is the state folder. */
export function statusFile(state: string, tag: Tag): string {
	return join(state, 'status', `${foldTag(tag)}.json`);
}

/** Null if no server has written it, or that server has ended. */
export function readStatus(state: string, tag: Tag): AgentStatus | null {
	try {
		const status = JSON.parse(readOwnFile(statusFile(state, tag))) as AgentStatus;
		return process.kill(status.pid, 0) ? status : null;
	} catch {
		return null;
	}
}

/** Tells the server that wrote the file that a status line is shown: it then keeps up with who works. */
export function markStatusShown(state: string, tag: Tag): void {
	const now = new Date();
	try {
		utimesSync(statusFile(state, tag), now, now);
	} catch {
		// There is none, or it belongs to somebody else.
	}
}

/** As in `CLAUDE_1: 2 new messages, 1 stuck; CLAUDE_2 works`. */
export function statusText(tag: Tag, status: AgentStatus | null, now: number): string {
	if (status === null) return `${tag}: mailbox not open`;
	const {unread, stuck} = status;
	const working = status.working.filter(({until}) => until > now).map(other => other.tag);
	const mail = [
		...(unread === 0
			? []
			: [`${unread}${unread < maxWaiting ? '' : '+'} new ${unread === 1 ? 'message' : 'messages'}`]),
		...(stuck === 0 ? [] : [`${stuck} stuck`]),
	];
	const busy =
		working.length === 0
			? ''
			: `; ${working.slice(0, 3).join(', ')}${working.length > 3 ? ` and ${working.length - 3} more` : ''} ${working.length === 1 ? 'works' : 'work'}`;
	return `${tag}: ${mail.length === 0 ? 'no new mail' : mail.join(', ')}${busy}`;
}
