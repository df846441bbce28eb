import type {SharedFile} from '../../mailbox/sight/sight.ts';
import {printable} from '../../printable.ts';

/** Who else has edited files that the agent has edited, as facts: `CLAUDE_2 also edited /a/b.ts, 3 minutes ago.` */
export function editsText(files: readonly SharedFile[], now: number): string {
	return files
		.map(({path, tag, edited_at}) => {
			const minutes = Math.floor((now - Date.parse(edited_at)) / 60_000);
			const ago = minutes < 1 ? 'less than a minute' : minutes === 1 ? 'a minute' : `${minutes} minutes`;
			return `${printable(tag)} also edited ${printable(path)}, ${ago} ago.`;
		})
		.join('\n');
}
