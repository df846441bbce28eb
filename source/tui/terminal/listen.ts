import type {ReadStream} from 'node:tty';
import {createKeyboard, type Input} from './keyboard.ts';
import type {Report} from './report.ts';

/** Milliseconds after which a lone ESC counts as the key, not as the beginning of a sequence. */
const escapeDelay = 25;

/** Reads inputs until the returned function is called. `onGone`: the terminal is gone; only a stdin that is a TTY calls it. */
export function listen(stdin: ReadStream, onGone: () => void, onInput: (input: Input | Report) => void): () => void {
	const keyboard = createKeyboard();
	let timer: NodeJS.Timeout | undefined;
	const release = () => keyboard.release().forEach(onInput);
	const onData = (chunk: string) => {
		clearTimeout(timer);
		for (const input of keyboard.push(chunk)) onInput(input);
		if (keyboard.waits) timer = setTimeout(release, escapeDelay);
	};
	const onEnd = () => {
		if (stdin.isTTY) onGone();
	};
	stdin.setEncoding('utf8');
	stdin.on('data', onData);
	stdin.on('end', onEnd);
	stdin.on('error', onEnd);
	return () => {
		clearTimeout(timer);
		stdin.off('data', onData);
		stdin.off('end', onEnd);
		stdin.pause();
	};
}

/** An empty stdin for Ink. We read keys ourselves (keyboard.ts), because Ink reports fast typing as one string. */
export const nothingToRead = {
	isTTY: false,
	setEncoding() {},
	on() {},
	off() {},
	addListener() {},
	removeListener() {},
	read: () => null,
};
