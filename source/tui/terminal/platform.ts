import {type Printable} from '../../printable.ts';
import {createBrowser, type Browse} from './browser.ts';
import {createClipboard, type Copy} from './clipboard.ts';

/** What the screen uses outside the terminal's cells: the clipboard and the web browser. */
export interface Platform {
	readonly copy: Copy;
	readonly browse: Browse;
	/** The name of the mailbox. */
	readonly name: string;
}

export function createPlatform(env: NodeJS.ProcessEnv, write: (bytes: Printable) => void, name: string): Platform {
	return {copy: createClipboard({env, write}), browse: createBrowser(env), name};
}
