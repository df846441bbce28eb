import {everything, type Filter} from '../../mailbox/filter.ts';
import type {Fault} from '../../mailbox/filter/filter-parse.ts';
import type {Message} from '../../mailbox/message.ts';
import {emptyEditor, type Editor} from '../editor/editor.ts';

/** What is searched for in all of history. It stays while its panel is closed, for n and N and the marks in the panes. */
export interface Search {
	readonly editor: Editor;
	/** What in the text does not parse; hits and filter are those of the last text that did. */
	readonly faults: readonly Fault[];
	readonly filter: Filter;
	/** What stands out in the panes; null where no words are searched for. */
	readonly marks: RegExp | null;
	/** Newest first. */
	readonly hits: readonly Message[];
	/** There may be older ones. */
	readonly more: boolean;
	/** `local`: the mailbox cannot be reached, so only what is loaded was searched. */
	readonly phase: 'idle' | 'asking' | 'done' | 'local' | 'failed';
	/** Why it failed, in one sentence. */
	readonly failure: string | null;
	/** Which hit is chosen, or was jumped to. */
	readonly index: number;
}

export const emptySearch: Search = {
	editor: emptyEditor,
	faults: [],
	filter: everything,
	marks: null,
	hits: [],
	more: false,
	phase: 'idle',
	failure: null,
	index: 0,
};
