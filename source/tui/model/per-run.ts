import type {Ui} from './ui.ts';

/**
 * A value that each run of the screen computes once, when it first needs it. It is released with the run's `Ui`, and other
 * screens in the process have values of their own.
 */
export function perRun<Kept>(make: (ui: Ui) => Kept): (ui: Ui) => Kept {
	const kept = new WeakMap<Ui['run'], Kept>();
	return ui => {
		let own = kept.get(ui.run);
		if (own === undefined) kept.set(ui.run, (own = make(ui)));
		return own;
	};
}
