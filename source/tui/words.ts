import {presenceOf, type Agent} from '../mailbox/agent.ts';

/** The local time of day of an ISO timestamp; with its day when that is not today. */
export function clockTime(iso: string, now: number): string {
	const at = new Date(iso);
	if (Number.isNaN(at.getTime())) return '--:--';
	const time = `${two(at.getHours())}:${two(at.getMinutes())}`;
	const today = new Date(now);
	const isSameDay =
		at.getDate() === today.getDate() && at.getMonth() === today.getMonth() && at.getFullYear() === today.getFullYear();
	if (isSameDay) return time;
	return `${at.getFullYear() === today.getFullYear() ? '' : `${at.getFullYear()}-`}${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}

function two(value: number): string {
	return String(value).padStart(2, '0');
}

/** The local time of day with seconds. */
export function clockSeconds(iso: string): string {
	const at = new Date(iso);
	if (Number.isNaN(at.getTime())) return '--:--:--';
	return [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':');
}

/** The local time with seconds; with its day when that is not today. */
export function clockMoment(iso: string, now: number): string {
	return `${clockTime(iso, now).slice(0, -5)}${clockSeconds(iso)}`;
}

/** Milliseconds in words with one unit: `3 s`, `12 min`, `5 h`, `2 d`. */
export function duration(milliseconds: number): string {
	const seconds = Math.max(0, Math.round(milliseconds / 1000));
	if (seconds < 100) return `${seconds} s`;
	const minutes = Math.round(seconds / 60);
	if (minutes < 100) return `${minutes} min`;
	const hours = Math.round(minutes / 60);
	return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}

/** What an agent is doing, as a sign and in words. */
export function presenceWords(
	agent: Agent,
	now: number,
): {sign: string; words: string; mood: 'good' | 'warn' | 'grey'} {
	const since = (): string => clockTime(agent.last_seen_at ?? agent.joined_at, now);
	switch (presenceOf(agent, now)) {
		case 'working':
			return {sign: '●', words: 'in a turn', mood: 'good'};
		case 'blocked':
			return {sign: '◐', words: 'blocked', mood: 'warn'};
		case 'idle':
			return {sign: '◌', words: 'idle', mood: 'grey'};
		case 'away':
			return {sign: '○', words: `away since ${since()}`, mood: 'grey'};
		case 'gone':
			return {sign: '×', words: `gone since ${since()}`, mood: 'grey'};
	}
}

export function counted(count: number, noun: string, nouns = `${noun}s`): string {
	return `${count.toLocaleString('en')} ${count === 1 ? noun : nouns}`;
}
