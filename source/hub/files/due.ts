/**
 * Whether something that is done every so many milliseconds has to be done again; `last` and `now` as Date.now() has them. By
 * the time of day and not by ticks, so that a sleep of the machine and a restart count; where the clock was put back, it is due.
 */
export function isDue(last: number, every: number, now = Date.now()): boolean {
	return now - last >= every || now < last;
}
