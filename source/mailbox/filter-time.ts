import type {Moment} from './filter.ts';

const units: {readonly [unit: string]: number} = {
	s: 1000,
	m: 60_000,
	min: 60_000,
	h: 3_600_000,
	d: 86_400_000,
	w: 7 * 86_400_000,
};

const ago = /^(\d{1,6})(s|m|min|h|d|w)$/;
const clock = /^(\d{1,2}):(\d\d)(?::(\d\d))?$/;
const day = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/;

/**
 * `2h` ago (s, m or min, h, d, w), `14:30` today, `today`, `yesterday`, `2026-11-20`, `2026-11-20T14:30`; local time unless
 * a zone is named. `now` in milliseconds since 1970. Null for what is none.
 */
export function parseMoment(text: string, now: number): Moment | null {
	const span = ago.exec(text);
	if (span !== null) return {ago: Number(span[1]) * (units[span[2] ?? ''] ?? 0)};
	const today = new Date(now);
	if (text === 'today') return {at: midnight(today, 0)};
	if (text === 'yesterday') return {at: midnight(today, -1)};
	const time = clock.exec(text);
	if (time !== null) {
		return exactly(today.getFullYear(), today.getMonth() + 1, today.getDate(), time[1], time[2], time[3], undefined);
	}
	const date = day.exec(text);
	if (date === null) return null;
	return exactly(Number(date[1]), Number(date[2]), Number(date[3]), date[4], date[5], date[6], date[7]);
}

type Digits = string | undefined;

function exactly(year: number, month: number, date: number, h: Digits, min: Digits, s: Digits, zone: Digits) {
	const [hours, minutes, seconds] = [h, min, s].map(part => Number(part ?? 0)) as [number, number, number];
	if (hours > 23 || minutes > 59 || seconds > 59) return null;
	const at = new Date(year, month - 1, date, hours, minutes, seconds);
	// 2026-02-31 would be some day in March.
	const utc = new Date(Date.UTC(year, month - 1, date));
	if (utc.getUTCMonth() !== month - 1 || utc.getUTCDate() !== date) return null;
	if (zone === undefined) return {at: at.getTime()};
	const offset = /^([+-])(\d\d):?(\d\d)$/.exec(zone);
	const sign = offset?.[1] === '-' ? -1 : 1;
	const behind = offset === null ? 0 : sign * (Number(offset[2]) * 60 + Number(offset[3])) * 60_000;
	return {at: Date.UTC(year, month - 1, date, hours, minutes, seconds) - behind};
}

function midnight(today: Date, days: number): number {
	return new Date(today.getFullYear(), today.getMonth(), today.getDate() + days).getTime();
}
