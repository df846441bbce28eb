import {presenceOf, type Agent} from '../../mailbox/agent.ts';
import {p, printable, type Printable} from '../../printable.ts';

/** The local time of day of an ISO timestamp, with the date unless that is today. */
export function clockTime(iso: string, now: number): Printable {
	const at = new Date(iso);
	if (Number.isNaN(at.getTime())) return p`--:--`;
	const time = p`${two(at.getHours())}:${two(at.getMinutes())}`;
	const today = new Date(now);
	const isSameDay =
		at.getDate() === today.getDate() && at.getMonth() === today.getMonth() && at.getFullYear() === today.getFullYear();
	if (isSameDay) return time;
	return p`${at.getFullYear() === today.getFullYear() ? '' : p`${at.getFullYear()}-`}${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}

function two(value: number): Printable {
	return value < 10 ? p`0${value}` : p`${value}`;
}

/** The local time of day with seconds. */
export function clockSeconds(iso: string): Printable {
	const at = new Date(iso);
	if (Number.isNaN(at.getTime())) return p`--:--:--`;
	return p`${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** The local time with seconds, with the date unless that is today. */
export function clockMoment(iso: string, now: number): Printable {
	return p`${clockTime(iso, now).slice(0, -5)}${clockSeconds(iso)}`;
}

/**
 * Units with their milliseconds. Each is rounded from the unit before it: a count begins `early` milliseconds before it is full. From
 * `end` on, the next unit is used.
 */
const units = [
	{name: p`s`, length: 1000, early: 500, end: 99_500},
	{name: p`min`, length: 60_000, early: 30_500, end: 5_969_500},
	{name: p`h`, length: 3_600_000, early: 1_830_500, end: 170_969_500},
	{name: p`d`, length: 86_400_000, early: 45_030_500, end: Infinity},
] as const;

/** Formats milliseconds with one unit: `3 s`, `12 min`, `5 h`, `2 d`. */
export function duration(milliseconds: number): Printable {
	const {name, count} = inUnit(milliseconds);
	return p`${count} ${name}`;
}

/** The whole milliseconds that have the same duration in words as these: from `min` to `max`. */
export function sameDuration(milliseconds: number): {readonly min: number; readonly max: number} {
	const {count, length, early, end, begin} = inUnit(milliseconds);
	return {
		min: count === 0 ? -Infinity : Math.max(begin, count * length - early),
		max: Math.min(end, (count + 1) * length - early) - 1,
	};
}

function inUnit(milliseconds: number) {
	const at = units.findIndex(({end}) => milliseconds < end);
	const unit = units[at] ?? units[3];
	const count = Math.max(0, Math.floor((milliseconds + unit.early) / unit.length));
	return {...unit, count, begin: units[at - 1]?.end ?? 0};
}

/** An agent's presence, as a sign and in words. `brief`: the same where there is no room to say since when. */
export function presenceWords(
	agent: Agent,
	now: number,
): {sign: Printable; words: Printable; brief?: Printable; mood: 'good' | 'warn' | 'grey'} {
	const since = (): Printable => clockTime(agent.last_seen_at ?? agent.joined_at, now);
	if (agent.paused !== null)
		return {sign: p`‖`, words: p`paused since ${clockTime(agent.paused.at, now)}`, brief: p`paused`, mood: 'warn'};
	switch (presenceOf(agent, now)) {
		case 'working':
			return {sign: p`●`, words: agent.focused ? p`focused` : p`in a turn`, mood: 'good'};
		case 'blocked':
			return {sign: p`◐`, words: p`blocked`, mood: 'warn'};
		case 'idle':
			return {sign: p`◌`, words: p`idle`, mood: 'grey'};
		case 'away':
			return {sign: p`○`, words: p`away since ${since()}`, brief: p`away`, mood: 'grey'};
		case 'gone':
			return {sign: p`×`, words: p`gone since ${since()}`, brief: p`gone`, mood: 'grey'};
	}
}

export function counted(count: number, noun: string, nouns = `${noun}s`): Printable {
	return printable(`${count.toLocaleString('en')} ${count === 1 ? noun : nouns}`);
}
