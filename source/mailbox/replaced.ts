import type {Replaced} from './event.ts';

/** One sentence for whoever reads along. */
export function replacedText({common, fresh, more}: Omit<Replaced, 'epoch'>): string {
	const many = more || fresh !== 1;
	const count = more ? `more than ${fresh}` : fresh === 0 ? 'no' : String(fresh);
	const messages = `${count} ${many ? 'messages' : 'message'}`;
	const what =
		common === null
			? `nothing that was read before is in it, and it holds ${messages}`
			: `${messages} after #${common} ${many ? 'are' : 'is'} new`;
	return `History was replaced: ${what} (a backup was put back, or the server lost what was written last).`;
}
