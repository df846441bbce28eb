import type {Editor} from '../editor/editor.ts';

/** The command palette: every command, by name. */
export interface Palette {
	readonly editor: Editor;
	readonly index: number;
}

/** A command of the `agentmux` command line, which the palette explains. */
export interface ProgramCommand {
	readonly name: string;
	readonly summary: string;
	/** The lines of its --help. */
	readonly help: readonly string[];
}
