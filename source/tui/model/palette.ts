import type {Editor} from '../editor/editor.ts';

/** The palette: everything that can be done here, by name. */
export interface Palette {
	readonly editor: Editor;
	readonly index: number;
}

/** A command of the program in a shell, which the palette explains. */
export interface ProgramCommand {
	readonly name: string;
	readonly summary: string;
	/** Its --help, a line each. */
	readonly help: readonly string[];
}
