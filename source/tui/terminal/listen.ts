import type {ReadStream} from 'node:tty';
import {createKeyboard, type Input} from './keyboard.ts';
import type {Report} from './report.ts';

/** Milliseconds after which a lone ESC was the key, and not the beginning of a sequence. */
const escapeDelay = 25;

/** `onGone`: the terminal that was typed at has ended. Another stdin that ends only means that nobody types. */
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

/** Keys are read by ourselves (keyboard.ts): Ink would hand on what was typed fast as one string. */
export const nothingToRead = {
	isTTY: false,
	setEncoding() {},
	on() {},
	off() {},
	addListener() {},
	removeListener() {},
	read: () => null,
};
