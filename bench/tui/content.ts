import {openMailbox} from '../../source/commands/connect/connect.ts';
import type {Message} from '../../source/mailbox/message.ts';
import {createMailboxStore, type MailboxStore} from '../../source/store/mailbox-store.ts';
import {channelMessages} from '../../source/store/select.ts';

/*
 * What both peers show: the same mailbox through the same store as the program, six channels side by side in two rows, and a
 * line to write on. Only the way to the terminal differs.
 */

const channels = Array.from({length: 6}, (_, index) => `LOAD_${index + 1}`);
const across = 3;

/** The store of the mailbox, as the program opens it. */
export function openStore(): MailboxStore {
	return createMailboxStore(openMailbox(process, {kind: 'human'}));
}

export interface Pane {
	readonly tag: string;
	readonly x: number;
	readonly y: number;
	readonly width: number;
	readonly height: number;
}

/** Where the channels stand; the last two rows are for the line and what is below it. */
export function panesOf(columns: number, rows: number): Pane[] {
	const width = Math.floor(columns / across);
	const height = Math.floor((rows - 2) / 2);
	return channels.map((tag, index) => ({
		tag,
		x: (index % across) * width,
		y: Math.floor(index / across) * height,
		width: width - 1,
		height,
	}));
}

/** The newest messages of a channel that can fill a pane. */
export function newest(store: MailboxStore, {tag, height}: Pane): readonly Message[] {
	return channelMessages(store.getState(), tag).slice(-Math.ceil(height / 3));
}

/** Calls `draw` at most each 16 ms while something changes. */
export function whenChanged(store: MailboxStore, draw: () => void): void {
	let timer: NodeJS.Timeout | undefined;
	store.subscribe(() => {
		timer ??= setTimeout(() => {
			timer = undefined;
			draw();
		}, 16);
	});
}
