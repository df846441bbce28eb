import {foldTag, type Tag} from '../../mailbox/tag.ts';

/** Milliseconds between two looks at the folders. */
const interval = 15_000;

/** Calls with the folded tags of agents whose client starts no hooks, at once and when they change. Returns how to stop. */
export function watchDisarmed(data: string, listener: (tags: ReadonlySet<Tag>) => void): () => void {
	let known = '';
	let stopped = false;
	// The first frame does not wait for it.
	const look = async (): Promise<void> => {
		const {disarmed} = await import('../../join/disarmed.ts');
		const tags = [...new Set(disarmed(data).map(({tag}) => foldTag(tag)))];
		if (stopped || tags.join() === known) return;
		known = tags.join();
		listener(new Set(tags));
	};
	const timer = setInterval(() => void look().catch(() => undefined), interval);
	void look().catch(() => undefined);
	return () => {
		stopped = true;
		clearInterval(timer);
	};
}
