import {type Printable} from '../../printable.ts';
import {createBrowser, type Browse} from './browser.ts';
import {createClipboard, type Copy} from './clipboard.ts';

/** What lies beyond the screen: the clipboard of the terminal, and what opens web addresses. */
export interface Platform {
	readonly copy: Copy;
	readonly browse: Browse;
	/** How this mailbox is called. */
	readonly name: string;
}

export function createPlatform(env: NodeJS.ProcessEnv, write: (bytes: Printable) => void, name: string): Platform {
	return {copy: createClipboard({env, write}), browse: createBrowser(env), name};
}
