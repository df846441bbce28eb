import type {Filter} from '../../mailbox/filter.ts';
import {compileFilter} from '../../mailbox/filter/filter-match.ts';
import type {Fault} from '../../mailbox/filter/filter-parse.ts';
import type {Message} from '../../mailbox/message.ts';
import {factsOf} from '../../store/facts.ts';
import type {State} from '../../store/state/state.ts';
import type {Editor} from '../editor/editor.ts';
import type {PaneId} from './pane-id.ts';

/** A filter set on a pane, until it is cleared. */
export interface PaneFilter {
	/** As typed. */
	readonly text: string;
	readonly filter: Filter;
	/** Made once, because it is also the key under which matches are cached. Relative times count from when the filter was set. */
	readonly test: (message: Message) => boolean;
	/** A receipt can change what matches. */
	readonly heedsReceipts: boolean;
	/** Matches that the mailbox found below `upper`, by id. */
	readonly older: readonly Message[];
	readonly upper: number;
	/** Nothing older matches. */
	readonly complete: boolean;
}

/** A pane's filter being edited; the pane is filtered as one types. */
export interface FilterEdit {
	readonly pane: PaneId;
	readonly editor: Editor;
	readonly faults: readonly Fault[];
	/** What Esc restores. */
	readonly before: PaneFilter | null;
}

/** `latest`: the state at any later time. `now`: milliseconds since 1970. */
export function paneFilter(text: string, filter: Filter, state: State, latest: () => State, now: number): PaneFilter {
	return {
		text,
		filter,
		test: compileFilter(filter, factsOf(state, latest, now)),
		heedsReceipts: filter.alternatives.some(terms =>
			terms.some(term => term.kind === 'is' && term.quality === 'stuck'),
		),
		older: [],
		upper: state.from,
		complete: state.from === 0,
	};
}
