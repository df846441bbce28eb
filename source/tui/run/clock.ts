/** Milliseconds between two steps of what counts down, for those who want no motion. */
const calmPace = 10_000;

export interface Clock {
	/** Milliseconds since 1970; without motion, it advances only at each step. */
	readonly now: () => number;
	stop(): void;
}

/** The time as the screen shows it. `onStep` is called each second, or each 10 s without motion. */
export function createClock(motion: boolean, onStep: () => void): Clock {
	const timer = setInterval(onStep, motion ? 1000 : calmPace);
	return {
		now: motion ? Date.now : () => Date.now() - (Date.now() % calmPace),
		stop: () => clearInterval(timer),
	};
}
