import {presenceOf, type Agent} from '../../mailbox/agent.ts';
import {contextText, stopText, toolText, type SharedFile, type Sight} from '../../mailbox/sight/sight.ts';
import {p, printable, type Printable} from '../../printable.ts';

/** How much of a text is made printable; a line shows no more. */
const maxLength = 300;

/** What an agent does in its turn: that it is asked to stop, what it waits for, or its last tool; null if it is in none. */
export function doingText(agent: Agent, sight: Sight | undefined, now: number): Printable | null {
	const presence = presenceOf(agent, now);
	if (sight === undefined || presence === 'away' || presence === 'gone') return null;
	const {doing, stop} = sight;
	const works = presence === 'working' || presence === 'blocked';
	// Why it does nothing.
	if (stop !== null && works === (stop.stopped_at === null)) return shown(stopText(stop));
	if (doing === null || !works) return null;
	const text = doing.waiting_for === null ? (toolText(doing) ?? doing.said) : `waits: ${doing.waiting_for}`;
	return text === null ? null : shown(text);
}

/** How full its context is, in a word if it is to be `brief`; null if that is not known. */
export function contextOf(agent: Agent, sight: Sight | undefined, now: number, brief = false): Printable | null {
	const presence = presenceOf(agent, now);
	const doing = sight?.doing ?? null;
	if (doing === null || presence === 'away' || presence === 'gone') return null;
	const text = contextText(doing, brief);
	return text === null ? null : printable(text);
}

/** `CLAUDE_2 also edits app.ts`. */
export function sharedFileText({path, tag}: SharedFile): Printable {
	return p`${printable(tag)} also edits ${printable(path.slice(path.lastIndexOf('/') + 1).slice(0, maxLength))}`;
}

function shown(text: string): Printable {
	return printable(text.slice(0, maxLength).replaceAll(/\s+/g, ' '));
}
