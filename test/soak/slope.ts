/** A straight line through samples. */
export interface Slope {
	/** The value of the line in the middle of the samples. */
	readonly mean: number;
	/** Per second. */
	readonly slope: number;
	/** The standard error of the slope. */
	readonly error: number;
}

/** One sample: seconds, and a value. */
export type Sample = readonly [at: number, value: number];

/**
 * The line of least squares. The noise of neighbouring samples is alike (a heap that is collected every minute, a log that is
 * cut back), which would make the error look smaller than it is: it is widened by the correlation of neighbours. What drifts by up
 * to `resolution` whatever the load says nothing within that: two standard errors are at least that much over the whole time.
 */
export function slopeOf(samples: readonly Sample[], resolution = 0): Slope {
	const count = samples.length;
	const middle = samples.reduce((sum, [at]) => sum + at, 0) / count;
	const mean = samples.reduce((sum, [, value]) => sum + value, 0) / count;
	const spread = samples.reduce((sum, [at]) => sum + (at - middle) ** 2, 0);
	if (count < 3 || spread === 0) return {mean, slope: 0, error: Infinity};
	const slope = samples.reduce((sum, [at, value]) => sum + (at - middle) * (value - mean), 0) / spread;
	const residuals = samples.map(([at, value]) => value - mean - slope * (at - middle));
	const squares = residuals.reduce((sum, each) => sum + each ** 2, 0);
	const least = resolution / ((samples.at(-1)?.[0] ?? 0) - (samples[0]?.[0] ?? 0)) / 2;
	if (squares === 0) return {mean, slope, error: least};
	const neighbours = residuals.slice(1).reduce((sum, each, nth) => sum + each * (residuals[nth] ?? 0), 0);
	const likeness = Math.min(0.95, Math.max(0, neighbours / squares));
	const widened = Math.sqrt((1 + likeness) / (1 - likeness));
	return {mean, slope, error: Math.max(least, Math.sqrt(squares / (count - 2) / spread) * widened)};
}

const week = 7 * 24 * 3600;

/**
 * What a week of this would make of it. `grows`: it would grow by `whole` (it would double) even at the lower bound of the slope
 * (two standard errors below it), so that noise alone does not fail a run. `unclear`: only at the upper bound; a longer run tells.
 */
export function verdict({mean, slope, error}: Slope, whole = mean): 'steady' | 'unclear' | 'grows' {
	const max = whole / week;
	if (slope - 2 * error > max) return 'grows';
	return slope + 2 * error > max ? 'unclear' : 'steady';
}

/** The slope that a run with such an error finds to grow, more often than not; per second. */
export function smallestLeak({mean, error}: Slope, whole = mean): number {
	return whole / week + 2 * error;
}
