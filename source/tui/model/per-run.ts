import type {Ui} from './ui.ts';

/**
 * Something that each run of the screen has of its own, made when it is first asked for: what was computed once and is
 * remembered. It goes when the run's `Ui` goes, and no other screen of the process sees it.
 */
export function perRun<Kept>(make: (ui: Ui) => Kept): (ui: Ui) => Kept {
	const kept = new WeakMap<Ui['run'], Kept>();
	return ui => {
		let own = kept.get(ui.run);
		if (own === undefined) kept.set(ui.run, (own = make(ui)));
		return own;
	};
}
