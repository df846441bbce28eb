import type {AgentState} from '../../mailbox/state-change.ts';
import {sameTag} from '../../mailbox/tag.ts';
import type {Keymap} from '../settings/keymap.ts';
import {joinPrintable, p, printable, printableLines, type Printable} from '../../printable.ts';
import type {MailboxStore} from '../../store/mailbox-store.ts';
import type {HistoryStore} from '../../store/history-store.ts';
import {stepAt} from '../../store/replay.ts';
import {channelName} from '../panes/header.ts';
import {momentOf, timeWindowOf, type TimelineItem, type TimelineView} from '../model/timeline-view.ts';
import {clockMoment, clockTime, counted} from '../settings/words.ts';

/** How many lines of a message, and how many tasks, are read out. */
const maxLines = 100;
const maxTasks = 20;

const presence: {readonly [State in AgentState | 'unknown']: Printable} = {
	working: p`in a turn`,
	idle: p`idle`,
	blocked: p`blocked`,
	away: p`away`,
	gone: p`gone`,
	revoked: p`revoked`,
	unknown: p`unknown`,
};

/** The timeline as sentences: the time shown, agents, tasks and the selection. `now`: milliseconds since 1970. */
export function timelineWords(store: MailboxStore, view: TimelineView, {keyFor}: Keymap, now: number): Printable[] {
	const {history} = store;
	const {from, to} = timeWindowOf(view, now);
	const moment = momentOf(view, now);
	const at = moment ?? now;
	const messages = history.marks.list.filter(mark => mark.at >= from && mark.at < to && mark.at <= at).length;
	const playing = view.moment?.since === null ? 'as it was' : `playing at ${view.speed} times the speed`;
	const when = moment === null ? (view.end === null ? 'now' : '') : `${playing} at ${clockMoment(iso(moment), now)}`;
	const range = `${clockTime(iso(from), now)} to ${clockTime(iso(to), now)}`;
	const heading = [
		'Timeline',
		range,
		when,
		counted(messages, 'message'),
		history.trouble ?? (history.isReading ? 'reading' : ''),
	];
	return [
		joinPrintable(heading.filter(words => words !== '').map(printable), ', '),
		...agentWords(store, view, at),
		...taskWords(store, at),
		...selectedWords(store, view.selected, at, now),
		p`${keyFor('timeline_earlier')} and ${keyFor('timeline_later')} select, ${keyFor('timeline_step_back')} and ${keyFor('timeline_step_on')} step back and forward, ${keyFor('timeline_open')} opens it, ${keyFor('timeline_close')} goes back`,
	];
}

function agentWords(store: MailboxStore, {lanes}: TimelineView, at: number): Printable[] {
	return lanes.flatMap(lane => {
		const step = stepAt(store.history.replay.agents.get(lane), at);
		return step === null ? [] : [p`${printable(channelName(store.getState(), lane))}: ${presence[step.state]}`];
	});
}

/** The tasks that were queued or running. */
function taskWords({history}: MailboxStore, at: number): Printable[] {
	const open = [...history.replay.tasks.keys()].flatMap(id => {
		const step = stepAt(history.replay.tasks.get(id), at);
		return step?.state === 'running' || step?.state === 'queued' ? [taskLine(history, id, at)] : [];
	});
	return open.length <= maxTasks
		? open
		: [...open.slice(0, maxTasks), p`And ${counted(open.length - maxTasks, 'more task')}.`];
}

function taskLine(history: HistoryStore, id: number, at: number): Printable {
	const step = stepAt(history.replay.tasks.get(id), at);
	const title = history.task(id)?.title ?? '';
	const tag = step?.tag ?? null;
	const owner = tag === null ? '' : p`, ${printable(tag)}`;
	const far = step?.state === 'running' ? p`, ${Math.round(step.progress * 100)} percent` : '';
	return p`${step?.state ?? 'unknown'} #${id} ${printable(title)}${owner}${far}`;
}

function selectedWords(store: MailboxStore, selected: TimelineItem | null, at: number, now: number): Printable[] {
	const {history} = store;
	if (selected === null) return [];
	const time = clockMoment(iso(selected.at), now);
	if (selected.kind === 'task') return [p`Selected: ${time} task ${taskLine(history, selected.id, at)}`];
	const mark = history.marks.get(selected.id);
	if (mark === undefined) return [];
	const name = (tag: string): Printable => printable(channelName(store.getState(), tag));
	const to = mark.mentions.filter(tag => !sameTag(tag, mark.tag)).map(name);
	const [first = p``, ...more] = printableLines(history.message(mark.id)?.body ?? mark.excerpt);
	return [
		p`Selected: ${time} ${name(mark.tag)}${to.length === 0 ? '' : p` to ${joinPrintable(to, ' and ')}`}: ${first}`,
		...more.slice(0, maxLines).map(line => p`  ${line}`),
	];
}

function iso(at: number): string {
	return new Date(at).toISOString();
}
