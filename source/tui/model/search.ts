import {everything, type Filter} from '../../mailbox/filter.ts';
import type {Fault} from '../../mailbox/filter/filter-parse.ts';
import type {Message} from '../../mailbox/message.ts';
import type {SearchedTo} from '../../mailbox/query.ts';
import {emptyEditor, type Editor} from '../editor/editor.ts';

/** A search of the whole history. It outlives its panel, for n and N and for the highlighted words in the panes. */
export interface Search {
	readonly editor: Editor;
	/** Syntax errors in the text; hits and filter are those of the last valid text. */
	readonly faults: readonly Fault[];
	readonly filter: Filter;
	/** What to highlight in the panes; null if the search has no words. */
	readonly pattern: RegExp | null;
	/** Newest first. */
	readonly hits: readonly Message[];
	/** There may be older hits. */
	readonly more: boolean;
	/** While it goes on: how far back everything was searched. */
	readonly searchedTo: SearchedTo | null;
	/** `local`: the mailbox could not be reached, so only loaded messages were searched. */
	readonly phase: 'idle' | 'asking' | 'done' | 'local' | 'failed';
	/** Why it failed, in one sentence. */
	readonly failure: string | null;
	/** The hit that is selected, or was jumped to. */
	readonly index: number;
}

export const emptySearch: Search = {
	editor: emptyEditor,
	faults: [],
	filter: everything,
	pattern: null,
	hits: [],
	more: false,
	searchedTo: null,
	phase: 'idle',
	failure: null,
	index: 0,
};
