/**
 * Whether something that runs every `every` milliseconds is due; `last` and `now` are from Date.now(). Uses the time of day, so that
 * time counts while the machine sleeps or the program is not running. If the clock was set back, it is due.
 */
export function isDue(last: number, every: number, now = Date.now()): boolean {
	return now - last >= every || now < last;
}
