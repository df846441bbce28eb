import {badRange} from '../errors/error.ts';
import {type Limits} from './query.ts';

/** The requested rows, by limit and offset and by the Range header (`header`). Throws PGRST103. */
export function requestedRange(limits: Limits, header: string | undefined): Limits {
	if (limits.limit !== null && limits.limit < 0) throw badRange('Limit should be greater than or equal to zero.');
	const range = /^(\d+)-(\d*)$/.exec(header ?? '');
	if (range === null || limits.limit === 0) return limits;
	const lower = Number(range[1]);
	const upper = range[2] === '' ? Infinity : Number(range[2]);
	if (upper < lower) {
		throw badRange('The lower boundary must be lower than or equal to the upper boundary in the Range header.');
	}
	const first = Math.max(lower, limits.offset);
	const last = Math.min(upper, limits.limit === null ? Infinity : limits.offset + limits.limit - 1);
	if (last < first) throw badRange('Limit should be greater than or equal to zero.');
	return {offset: first, limit: last === Infinity ? null : last - first + 1};
}

/** The Content-Range header: `0-24/3573`, with `*` for no rows and for an unknown total. */
export function contentRange(lower: number, upper: number, total: number | null): string {
	const rows = total !== 0 && lower <= upper ? `${lower}-${upper}` : '*';
	return `${rows}/${total ?? '*'}`;
}

/** 206 if there are more rows than were returned, 416 if the offset is beyond the end. */
export function rangeStatus(offset: number, rows: number, total: number | null): 200 | 206 | 416 {
	if (total === null) return 200;
	if (offset > total) return 416;
	return rows < total ? 206 : 200;
}
