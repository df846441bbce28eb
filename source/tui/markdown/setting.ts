import type {Style} from '../screen/style.ts';

/** How a document is laid out. */
export interface Setting {
	/** Columns. */
	readonly width: number;
	/** The look of plain text. */
	readonly base: Style;
	/** Lines that will be asked for at the most: what comes after them need not be coloured, or even measured. */
	readonly most: number;
}
