import {presenceOf, type Agent} from '../../mailbox/agent.ts';
import type {Mailbox} from '../../mailbox/mailbox.ts';
import type {Sight} from '../../mailbox/sight/sight.ts';
import {foldTag, type Tag} from '../../mailbox/tag.ts';

/** Milliseconds between two looks while an agent works, and while none does. */
const interval = 2000;
const restingInterval = 20_000;

/**
 * Calls with what agents do, by folded tag, when it changes. It is asked for, because the rows change often and are of interest only to a
 * screen. Returns how to stop.
 */
export function watchSights(
	opening: Promise<Pick<Mailbox, 'sight'>>,
	agents: () => Iterable<Agent>,
	listener: (sights: ReadonlyMap<Tag, Sight>) => void,
): () => void {
	let known = '[]';
	let asking = false;
	let looked = -restingInterval;
	const look = async (): Promise<void> => {
		const works = [...agents()].some(agent => ['working', 'blocked'].includes(presenceOf(agent, Date.now())));
		if (asking || (!works && performance.now() - looked < restingInterval)) return;
		asking = true;
		looked = performance.now();
		try {
			const sights = await (await opening).sight.list();
			const text = JSON.stringify(sights);
			if (text !== known) listener(new Map(sights.map(sight => [foldTag(sight.tag), sight])));
			known = text;
		} catch {
			// The screen says by itself that the mailbox is away.
		} finally {
			asking = false;
		}
	};
	const timer = setInterval(() => void look(), interval);
	return () => clearInterval(timer);
}
