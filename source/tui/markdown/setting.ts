import type {Style} from '../screen/style.ts';

/** How a document is laid out. */
export interface Setting {
	/** Columns. */
	readonly width: number;
	/** The look of plain text. */
	readonly base: Style;
	/** The number of lines that will be used; further ones need not be highlighted or measured. */
	readonly maxLines: number;
}
