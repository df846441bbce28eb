import type {Moment} from '../filter.ts';

const units: {readonly [unit: string]: number} = {
	s: 1000,
	m: 60_000,
	min: 60_000,
	h: 3_600_000,
	d: 86_400_000,
	w: 7 * 86_400_000,
};

const span = /^(\d{1,6})(s|m|min|h|d|w)$/;
const clock = /^(\d{1,2}):(\d\d)(?::(\d\d))?$/;
const date = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(Z|[+-]\d\d(?::?\d\d)?)?)?$/i;

const days: {readonly [word: string]: number} = {yesterday: -1, today: 0, tomorrow: 1};

/**
 * Parses a time, for every command and filter: `2h` (s, m or min, h, d, w) before `now`, or after it if `direction` is `future`;
 * `14:30`, the last or the next one; `now`, `today`, `yesterday`, `tomorrow`; `2026-11-20`, `2026-11-20T14:30`. Times are local
 * unless they have a zone. `now` in milliseconds since 1970. Null if it is not a time.
 */
export function parseMoment(text: string, now: number, direction: 'past' | 'future' = 'past'): Moment | null {
	if (text === 'now') return {ago: 0};
	const [, count, unit = ''] = span.exec(text) ?? [];
	if (count !== undefined) return spanOf(Number(count) * (units[unit] ?? 0), now, direction);
	const offset = Object.hasOwn(days, text) ? days[text] : undefined;
	if (offset !== undefined) return {at: midnight(new Date(now), offset)};
	const [, ...time] = clock.exec(text) ?? [];
	if (time.length > 0) return clockMoment(time.map(digits), now, direction);
	const [, year, month, day, hours, minutes, seconds, fraction, zone] = date.exec(text) ?? [];
	if (year === undefined) return null;
	const parts = [year, month, day, hours, minutes, seconds].map(digits);
	return exactly(parts, Math.floor(Number(`0.${fraction ?? 0}`) * 1000), zone);
}

function digits(text: string | undefined): number {
	return Number(text ?? 0);
}

/** Null if the result would not have a year of four digits. */
function spanOf(length: number, now: number, direction: 'past' | 'future'): Moment | null {
	const ago = direction === 'past' ? length : -length;
	return hasFourDigits(new Date(now - ago).getFullYear()) ? {ago} : null;
}

function clockMoment([hours = 0, minutes = 0, seconds = 0]: number[], now: number, direction: 'past' | 'future') {
	if (hours > 23 || minutes > 59 || seconds > 59) return null;
	const at = new Date(now);
	at.setHours(hours, minutes, seconds, 0);
	if (direction === 'past' && at.getTime() > now) at.setDate(at.getDate() - 1);
	if (direction === 'future' && at.getTime() < now) at.setDate(at.getDate() + 1);
	return {at: at.getTime()};
}

function exactly(parts: readonly number[], milliseconds: number, zone: string | undefined): Moment | null {
	const [year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0] = parts;
	if (hours > 23 || minutes > 59 || seconds > 59 || !hasFourDigits(year)) return null;
	const utc = Date.UTC(year, month - 1, day, hours, minutes, seconds, milliseconds);
	// Date would accept 2026-02-31 as a day in March.
	if (new Date(utc).getUTCMonth() !== month - 1 || new Date(utc).getUTCDate() !== day) return null;
	if (zone === undefined) {
		return {at: new Date(year, month - 1, day, hours, minutes, seconds, milliseconds).getTime()};
	}
	const [, sign, zoneHours, zoneMinutes] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
	if (digits(zoneHours) > 23 || digits(zoneMinutes) > 59) return null;
	const ahead = (digits(zoneHours) * 60 + digits(zoneMinutes)) * 60_000;
	return {at: sign === '-' ? utc + ahead : utc - ahead};
}

function hasFourDigits(year: number): boolean {
	return year >= 1000 && year <= 9999;
}

function midnight(today: Date, offset: number): number {
	return new Date(today.getFullYear(), today.getMonth(), today.getDate() + offset).getTime();
}
