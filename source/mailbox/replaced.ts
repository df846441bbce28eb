import type {Replaced} from './event.ts';

/** One sentence, which fits into a status line of 80 columns. */
export function replacedText({common, fresh, more}: Omit<Replaced, 'epoch'>): string {
	const count = more ? `more than ${fresh}` : fresh === 0 ? 'no' : String(fresh);
	const noun = more || fresh !== 1 ? 'messages' : 'message';
	const what = common === null ? `nothing in common, ${count} ${noun}` : `${count} new ${noun} after #${common}`;
	return `History was replaced: ${what} (restore or failover).`;
}
